<?php
function work($host, $port, $n, $cafile)
{
    for ($i = 0; $i < $n; $i++) {
        $fp = fsockopen($host, $port, $errno, $errstr, 30);
        fclose($fp);
    }
    return $i;
}
