<?php
function work($host, $port, $n, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    $same = 0;
    for ($i = 0; $i < $n; $i++) {
        fwrite($fp, "NOOP just a line\r\n");
        $same += fgets($fp) === "NOOP just a line\r\n" ? 1 : 0;
    }
    return $same;
}
