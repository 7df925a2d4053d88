<?php
// Runs one PHP workload and prints what it measured: child.py says how.
function resident(): float
{
    return (int) explode(' ', file_get_contents('/proc/self/statm'))[1] * 4096 / 1024;
}

[, $file, $measure, $warm, $n, $host, $port, $cafile] = $argv;
$args = array_slice($argv, 8);
require $file;
if ($measure === 'proof') {
    echo json_encode(['value' => 0, 'work' => proof($host, (int) $port, (int) $n, $cafile, ...$args)]), "\n";
    exit;
}
$warmed = (int) $warm ? work($host, (int) $port, (int) $warm, $cafile, ...$args) : 0;
if ($measure === 'rss') {
    $before = resident();
    $work = work($host, (int) $port, (int) $n, $cafile, ...$args);
    $value = (resident() - $before) / $n;
    $work = count($work) + count($warmed);
} else {
    $start = hrtime(true);
    $work = work($host, (int) $port, (int) $n, $cafile, ...$args);
    $value = (hrtime(true) - $start) / $n;
}
echo json_encode(['value' => $value, 'work' => $work]), "\n";
