<?php
function work($host, $port, $n, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    fwrite($fp, "100\n");
    fgets($fp);
    for ($i = 0; $i < $n; $i++) {
        $meta = stream_get_meta_data($fp);
    }
    return $meta['timed_out'];
}
