<?php
function work($host, $port, $n, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    fwrite($fp, "$n\n");
    $bytes = 0;
    while (!feof($fp)) {
        $bytes += strlen(fread($fp, 8192));
    }
    return $bytes;
}

function proof($host, $port, $n, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    fwrite($fp, "$n\n");
    $chunks = [];
    while (!feof($fp)) {
        $chunks[] = fread($fp, 8192);
    }
    return hash('sha256', implode('', $chunks));
}
