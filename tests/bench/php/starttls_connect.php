<?php
require __DIR__ . '/mailer.php';

function work($host, $port, $n, $cafile)
{
    for ($i = 0; $i < $n; $i++) {
        quit(hello($host, $port, $cafile));
    }
    return $i;
}
