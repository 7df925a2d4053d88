<?php
function work($host, $port, $n, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    fwrite($fp, "100\n");
    fgets($fp);
    $sum = 0;
    for ($i = 0; $i < $n; $i++) {
        $sum += feof($fp) ? 1 : 0;
    }
    return $sum;
}
