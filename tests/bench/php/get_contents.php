<?php
function contents($host, $port, $n)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    fwrite($fp, "$n\n");
    return stream_get_contents($fp);
}

function work($host, $port, $n, $cafile)
{
    return strlen(contents($host, $port, $n));
}

function proof($host, $port, $n, $cafile)
{
    return hash('sha256', contents($host, $port, $n));
}
