<?php
function work($host, $port, $n, $cafile, $source, $target)
{
    $copied = stream_copy_to_stream(fopen($source, 'r'), fopen($target, 'w'));
    return [$copied, filesize($target)];
}
