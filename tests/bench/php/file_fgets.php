<?php
function work($host, $port, $n, $cafile, $source, $target)
{
    $fp = fopen($source, 'r');
    $lines = 0;
    while (($line = fgets($fp)) !== false) {
        $last = $line;
        $lines++;
    }
    return [$lines, $last];
}
