<?php
function work($host, $port, $n, $cafile, $size)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    $data = substr(str_repeat("one two three four five six..\n", 2185), 0, (int) $size);
    $written = 0;
    for ($i = 0; $i < $n; $i++) {
        $written += fwrite($fp, $data);
    }
    stream_socket_shutdown($fp, STREAM_SHUT_WR);
    return [$written, (int) fgets($fp)];
}
