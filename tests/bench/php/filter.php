<?php
const PARAMS = ['lines' => [['line-length' => 76, 'line-break-chars' => "\r\n"]]];

function work($host, $port, $n, $cafile, $name, $source, $target)
{
    [$filter, $params] = explode(' ', "$name ");
    $block = file_get_contents($source);
    $fp = fopen($target, 'w');
    stream_filter_append($fp, $filter, STREAM_FILTER_WRITE, ...PARAMS[$params] ?? []);
    $written = 0;
    for ($i = 0; $i < $n; $i++) {
        $written += fwrite($fp, $block);
    }
    fclose($fp);
    clearstatcache();
    return [$written, filesize($target)];
}

function proof($host, $port, $n, $cafile, $name, $source, $target)
{
    $done = work($host, $port, $n, $cafile, $name, $source, $target);
    return [...$done, md5_file($target)];
}
