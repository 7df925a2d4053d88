<?php
function work($host, $port, $n, $cafile, $name, $source, $target)
{
    $block = '';
    for ($number = 0; $number < 178; $number++) {
        $block .= "The quick brown fox jumps over $number lazy dogs\r\n";
    }
    $block = substr($block, 0, 8192);
    $fp = fopen($target, 'w');
    stream_filter_append($fp, $name, STREAM_FILTER_WRITE);
    $written = 0;
    for ($i = 0; $i < $n; $i++) {
        $written += fwrite($fp, $block);
    }
    fclose($fp);
    clearstatcache();
    return [$written, filesize($target)];
}
