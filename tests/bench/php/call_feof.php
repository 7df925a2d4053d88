<?php
function work($host, $port, $n, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    fwrite($fp, "100\n");
    fgets($fp);
    for ($i = 0; $i < $n; $i++) {
        $end = feof($fp);
    }
    return $end;
}
