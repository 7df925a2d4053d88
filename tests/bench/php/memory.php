<?php
function work($host, $port, $n, $cafile)
{
    $idle = [];
    for ($i = 0; $i < $n; $i++) {
        $fp = fsockopen($host, $port, $errno, $errstr, 30);
        fwrite($fp, "hello\r\n");
        fgets($fp);
        $idle[] = $fp;
    }
    return $idle;
}
