<?php
function work($host, $port, $n, $cafile, $source, $target)
{
    $fp = fopen($source, 'r');
    $bytes = 0;
    while (!feof($fp)) {
        $bytes += strlen(fread($fp, 1048576));
    }
    return $bytes;
}
