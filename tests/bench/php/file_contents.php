<?php
function work($host, $port, $n, $cafile, $source, $target)
{
    return strlen(file_get_contents($source));
}
