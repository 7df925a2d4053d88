<?php
function work($host, $port, $n, $cafile)
{
    $ready = 0;
    for ($i = 0; $i < $n; $i++) {
        $context = stream_context_create(['ssl' => ['cafile' => $cafile]]);
        $fp = stream_socket_client("tls://$host:$port", $errno, $errstr, 30, STREAM_CLIENT_CONNECT, $context);
        $ready += fgets($fp) === "220 ready\r\n" ? 1 : 0;
        fclose($fp);
    }
    return $ready;
}
