<?php
// What each call says and gives while so many descriptors are left: one JSON line each.  See no_descriptors.py.
chdir($argv[1]);
file_put_contents('some', 'x');
mkdir('folder');
mkdir('elsewhere');
$pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
$server = stream_socket_server('tcp://127.0.0.1:0');
$client = stream_socket_client('tcp://' . stream_socket_get_name($server, false));
$idle = stream_socket_server('tcp://127.0.0.1:0');
$calls = [
    'stream_socket_pair' => fn() => stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0),
    'server tcp' => fn() => stream_socket_server('tcp://127.0.0.1:0'),
    'server udp' => fn() => stream_socket_server('udp://127.0.0.1:0', $e, $s, STREAM_SERVER_BIND),
    'server unix' => fn() => stream_socket_server('unix://socket'),
    'server udg' => fn() => stream_socket_server('udg://datagrams', $e, $s, STREAM_SERVER_BIND),
    'server tls' => fn() => stream_socket_server('tls://127.0.0.1:0'),
    'accept' => fn() => stream_socket_accept($server, 1),
    'accept, nobody comes' => fn() => stream_socket_accept($idle, 0.01),
    'client tcp' => fn() => stream_socket_client('tcp://127.0.0.1:1', $e, $s, 1),
    'client tls' => fn() => stream_socket_client('tls://127.0.0.1:1', $e, $s, 1),
    'client unix' => fn() => stream_socket_client('unix://missing', $e, $s, 1),
    'client udp' => fn() => stream_socket_client('udp://127.0.0.1:1', $e, $s, 1),
    'fsockopen' => fn() => fsockopen('127.0.0.1', 1, $e, $s, 1),
    'pfsockopen' => fn() => pfsockopen('127.0.0.1', 1, $e, $s, 1),
    'stream_select' => function () use ($pair) { $r = [$pair[0]]; $n = null; return stream_select($r, $n, $n, 0, 1000); },
    'gethostbyname' => fn() => gethostbyname('localhost'),
    'gethostbyname of an address' => fn() => gethostbyname('127.0.0.1'),
    'gethostbynamel' => fn() => gethostbynamel('localhost'),
    'dns_get_record' => fn() => dns_get_record('example.test', DNS_A),
    'dns_check_record' => fn() => dns_check_record('example.test', 'MX'),
    'net_get_interfaces' => fn() => (bool) net_get_interfaces(),
    'getservbyname' => fn() => (bool) getservbyname('smtp', 'tcp'),
    'getprotobyname' => fn() => (bool) getprotobyname('tcp'),
    'fopen' => fn() => fopen('some', 'r'),
    'fopen http' => fn() => fopen('http://127.0.0.1:1/', 'r'),
    'fopen ftp' => fn() => fopen('ftp://127.0.0.1:1/x', 'r'),
    'fopen data' => fn() => fread(fopen('data:text/plain,abc', 'r'), 10),
    'fopen stdin' => fn() => fopen('php://stdin', 'r'),
    'fopen fd' => fn() => fopen('php://fd/1', 'r'),
    'fopen memory' => fn() => fwrite(fopen('php://memory', 'w+'), 'abc'),
    'fopen filter' => fn() => fopen('php://filter/read=string.rot13/resource=some', 'r'),
    'fopen glob' => fn() => opendir('glob://folder/*'),
    'spilling' => fn() => fwrite(fopen('php://temp/maxmemory:3', 'w+'), 'more than three'),
    'gzopen' => fn() => gzopen('packed.gz', 'w'),
    'bzopen' => fn() => bzopen('packed.bz2', 'w'),
    'compress.zlib' => fn() => file_put_contents('compress.zlib://packed.gz', 'abc'),
    'compress.bzip2' => fn() => file_put_contents('compress.bzip2://packed.bz2', 'abc'),
    'gzfile' => fn() => gzfile('some'),
    'readgzfile' => fn() => readgzfile('missing'),
    'file_get_contents' => fn() => file_get_contents('some'),
    'file_put_contents' => fn() => file_put_contents('other', 'abc'),
    'file' => fn() => file('some'),
    'readfile' => fn() => readfile('missing'),
    'copy' => fn() => copy('some', 'other'),
    'rename' => fn() => rename('some', 'some'),
    'touch' => fn() => touch('new'),
    'tempnam' => fn() => (bool) tempnam('elsewhere', 'x'),
    'tmpfile' => fn() => tmpfile(),
    'opendir' => fn() => opendir('folder'),
    'readdir' => fn() => ($d = opendir('folder')) ? (bool) readdir($d) : false,
    'scandir' => fn() => scandir('folder'),
    'dir' => fn() => dir('folder'),
    'glob' => fn() => glob('folder/*'),
    'glob, errors' => fn() => glob('folder/*', GLOB_ERR),
    'popen' => fn() => popen('true', 'r'),
    'exec' => fn() => exec('echo x'),
    'shell_exec' => fn() => shell_exec('echo x'),
    'passthru' => fn() => passthru('true'),
    'system' => fn() => system('true'),
    'proc_open, pipes' => fn() => proc_open(['true'], [['pipe', 'r'], ['pipe', 'w']], $p),
    'proc_open, null' => fn() => proc_open(['true'], [['null']], $p),
    'proc_open, a file' => fn() => proc_open(['true'], [['file', 'some', 'r']], $p),
    'proc_open, numbers in use' => fn() => proc_open(['true'], array_fill(10, 2, ['file', 'some', 'r']), $p),
    'proc_open, a socket' => fn() => proc_open(['true'], [['socket']], $p),
    'proc_open, a terminal' => fn() => proc_open(['true'], [['pty']], $p),
    'get_meta_tags' => fn() => get_meta_tags('some'),
    'error_log' => fn() => error_log('x', 3, 'log'),
    'mail' => fn() => mail('ada@a.test', 'subject', 'text'),
    'error_log by mail' => fn() => error_log('x', 1, 'ada@a.test'),
    'openssl_x509_read' => fn() => openssl_x509_read('file://some'),
];
$said = [];
set_error_handler(function ($level, $message) use (&$said) { $said[] = $message; return true; });
function shown($value) {
    if (is_array($value)) { return array_map('shown', $value); }
    return is_resource($value) || is_object($value) ? 'resource' : $value;
}
foreach ($calls as $name => $call) {
    for ($left = 0; $left < 5; $left++) {
        if ($pid = pcntl_fork()) { pcntl_waitpid($pid, $status); continue; }
        for ($held = []; $one = @fopen('/dev/null', 'r'); $held[] = $one);
        for ($i = 0; $i < $left; $i++) { array_pop($held); }
        unset($one);
        $said = [];
        ob_start();
        $result = shown($call());
        ob_end_clean();
        echo json_encode([$name, $left, $said, $result], JSON_UNESCAPED_SLASHES), "\n";
        exit(0);
    }
}
