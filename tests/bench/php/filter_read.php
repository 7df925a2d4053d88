<?php
function read($name, $source)
{
    $fp = fopen($source, 'r');
    stream_filter_append($fp, $name, STREAM_FILTER_READ);
    return $fp;
}

function work($host, $port, $n, $cafile, $name, $source, $target)
{
    $fp = read($name, $source);
    $bytes = 0;
    while (!feof($fp)) {
        $bytes += strlen(fread($fp, 8192));
    }
    return $bytes;
}

function proof($host, $port, $n, $cafile, $name, $source, $target)
{
    $fp = read($name, $source);
    $seen = hash_init('md5');
    while (!feof($fp)) {
        hash_update($seen, fread($fp, 8192));
    }
    return hash_final($seen);
}
