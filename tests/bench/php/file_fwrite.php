<?php
function work($host, $port, $n, $cafile, $source, $target)
{
    $fp = fopen($target, 'w');
    $written = 0;
    for ($i = 0; $i < $n; $i++) {
        $written += fwrite($fp, "one two three four five six..\n");
    }
    return [$written, filesize($target)];
}
