<?php
/*
 * Prints, as JSON, what this php-cli says about itself: signatures, constants, classes, ini defaults, registries and
 * the methods it calls on a wrapper, of everything php_streams copies or means to copy.
 *
 *   php8.4 compat_matrix/record_facts.php > compat_matrix/facts/php-8.4.json
 *
 * Runs on 7.4 and later.  Parameter names and defaults are worth having from 8.0 on; 7.4's Reflection knows no
 * default values of built-in functions.  What this PHP does not have is left out.
 * No value here may depend on the machine, or tests/test_facts.py could not compare a fresh record with the committed one.
 */
declare(strict_types=1);

$books = [
    'stream' => 'stream_select stream_set_timeout socket_set_timeout stream_set_blocking socket_set_blocking
        stream_set_read_buffer stream_set_write_buffer set_file_buffer stream_set_chunk_size stream_get_meta_data
        socket_get_status stream_get_contents stream_get_line stream_copy_to_stream stream_is_local stream_isatty
        stream_supports_lock stream_resolve_include_path stream_get_transports stream_get_wrappers stream_get_filters
        stream_register_wrapper',
    'stream_socket' => 'stream_socket_client stream_socket_server stream_socket_accept stream_socket_enable_crypto
        stream_socket_get_name stream_socket_pair stream_socket_recvfrom stream_socket_sendto stream_socket_shutdown',
    'stream_context' => 'stream_context_create stream_context_get_options stream_context_set_option
        stream_context_set_options stream_context_get_params stream_context_set_params stream_context_get_default
        stream_context_set_default',
    'stream_filter' => 'stream_filter_append stream_filter_prepend stream_filter_remove stream_filter_register',
    'stream_bucket' => 'stream_bucket_make_writeable stream_bucket_append stream_bucket_prepend stream_bucket_new',
    'stream_wrapper' => 'stream_wrapper_register stream_wrapper_unregister stream_wrapper_restore',
    'network' => 'fsockopen pfsockopen gethostname gethostbyname gethostbynamel gethostbyaddr dns_check_record checkdnsrr
        dns_get_record dns_get_mx getmxrr getservbyname getservbyport getprotobyname getprotobynumber inet_ntop inet_pton
        ip2long long2ip net_get_interfaces openlog syslog closelog http_get_last_response_headers
        http_clear_last_response_headers get_headers get_meta_tags header header_register_callback header_remove
        headers_list headers_sent http_response_code request_parse_body setcookie setrawcookie',
    'filesystem' => 'fopen fclose fread fwrite fputs fgets fgetc feof fflush fseek ftell rewind fstat ftruncate fpassthru
        flock fsync fdatasync fscanf fprintf vfprintf fgetcsv fputcsv tmpfile tempnam readfile file file_get_contents
        file_put_contents copy rename unlink mkdir rmdir link symlink readlink linkinfo realpath glob fnmatch basename
        dirname pathinfo parse_ini_file parse_ini_string touch chmod chown chgrp lchown lchgrp umask stat lstat
        fileatime filectime filegroup fileinode filemtime fileowner fileperms filesize filetype file_exists is_dir
        is_executable is_file is_link is_readable is_writable is_writeable clearstatcache realpath_cache_get
        realpath_cache_size disk_free_space diskfreespace disk_total_space sys_get_temp_dir popen pclose
        fgetss is_uploaded_file move_uploaded_file',
    'directory' => 'dir opendir readdir rewinddir closedir scandir chdir chroot getcwd',
    'execution' => 'proc_open proc_close proc_get_status proc_terminate proc_nice exec shell_exec system passthru
        escapeshellarg escapeshellcmd',
    'compression' => 'gzopen gzclose gzread gzwrite gzputs gzgets gzgetc gzeof gzrewind gzseek gztell gzpassthru gzfile
        readgzfile gzcompress gzuncompress gzdeflate gzinflate gzencode gzdecode zlib_encode zlib_decode
        zlib_get_coding_type bzopen bzread bzwrite bzflush bzclose bzerrno bzerrstr bzerror bzcompress bzdecompress',
    'sendmail' => 'mail ezmlm_hash',
    'x509' => 'openssl_x509_read openssl_x509_parse openssl_x509_export openssl_x509_fingerprint openssl_x509_verify
        openssl_x509_checkpurpose openssl_x509_check_private_key openssl_get_cert_locations openssl_error_string',
    'errors' => 'error_get_last error_clear_last error_reporting set_error_handler restore_error_handler trigger_error
        user_error error_log',
    'settings' => 'ini_get ini_set ini_alter ini_restore',
    'variables' => 'is_resource get_resource_type get_resource_id',
];

// Names of one and the same C function, which Reflection does not tell.  Each takes what the other takes (tests/test_facts.py).
$aliases = [
    'fputs' => 'fwrite', 'set_file_buffer' => 'stream_set_write_buffer', 'socket_set_blocking' => 'stream_set_blocking',
    'socket_set_timeout' => 'stream_set_timeout', 'socket_get_status' => 'stream_get_meta_data',
    'stream_register_wrapper' => 'stream_wrapper_register', 'checkdnsrr' => 'dns_check_record', 'getmxrr' => 'dns_get_mx',
    'is_writeable' => 'is_writable', 'diskfreespace' => 'disk_free_space', 'user_error' => 'trigger_error',
    'ini_alter' => 'ini_set', 'gzwrite' => 'fwrite', 'gzputs' => 'fwrite', 'gzrewind' => 'rewind', 'gzclose' => 'fclose',
    'gzeof' => 'feof', 'gzgetc' => 'fgetc', 'gzpassthru' => 'fpassthru', 'gzseek' => 'fseek', 'gztell' => 'ftell',
    'gzread' => 'fread', 'gzgets' => 'fgets', 'bzwrite' => 'fwrite', 'bzflush' => 'fflush', 'bzclose' => 'fclose',
];

$constantsOf = ['Core', 'standard', 'openssl', 'zlib'];
$constantNames = '/^(STREAM_|PSFS_|LOCK_|SEEK_|E_|FILE_|DNS_|LOG_|GLOB_|FNM_|PATHINFO_|SCANDIR_SORT_|PHP_URL_|INI_SCANNER_'
    . '|OPENSSL_|X509_|PKCS7_|ZLIB_ENCODING_|FORCE_|DIRECTORY_SEPARATOR$|PATH_SEPARATOR$|PHP_EOL$|PHP_INT_|UPLOAD_ERR_)/';
// The release of a linked library.
$machineConstants = '/^(OPENSSL_VERSION_|ZLIB_VER)/';

$settings = ['default_socket_timeout', 'user_agent', 'from', 'allow_url_fopen', 'auto_detect_line_endings',
    'openssl.cafile', 'openssl.capath', 'sendmail_from', 'SMTP', 'smtp_port', 'syslog.facility', 'syslog.filter',
    'syslog.ident'];

function typeOf(?ReflectionType $type): ?string
{
    if ($type === null) {
        return null;
    }
    // ReflectionNamedType::__toString() shows the question mark only from 8.0 on.
    $name = $type instanceof ReflectionNamedType ? $type->getName() : (string) $type;
    $marked = $type instanceof ReflectionNamedType && $type->allowsNull() && $name !== 'mixed' && $name !== 'null';
    return $marked ? "?$name" : $name;
}

function parametersOf(ReflectionFunctionAbstract $function): array
{
    $parameters = [];
    foreach ($function->getParameters() as $parameter) {
        $fact = ['name' => $parameter->getName(), 'type' => typeOf($parameter->getType())];
        foreach (['by_reference' => 'isPassedByReference', 'optional' => 'isOptional', 'variadic' => 'isVariadic'] as $key => $ask) {
            if ($parameter->$ask()) {
                $fact[$key] = true;
            }
        }
        if (PHP_VERSION_ID >= 80000 && $parameter->isDefaultValueAvailable()) {
            $fact['default'] = $parameter->getDefaultValue();
            if ($parameter->isDefaultValueConstant()) {
                $fact['default_constant'] = $parameter->getDefaultValueConstantName();
            }
        }
        $parameters[] = $fact;
    }
    return $parameters;
}

function signatureOf(ReflectionFunctionAbstract $function): array
{
    $type = $function->getReturnType();
    if ($type === null && PHP_VERSION_ID >= 80100) {
        $type = $function->getTentativeReturnType();
    }
    $fact = ['parameters' => parametersOf($function), 'returns' => typeOf($type)];
    if ($function->isDeprecated()) {
        $fact['deprecated'] = true;
    }
    return $fact;
}

function classFacts(string $name): array
{
    $class = new ReflectionClass($name);
    $facts = ['constants' => (object) $class->getConstants(), 'properties' => [], 'methods' => []];
    $defaults = $class->getDefaultProperties();
    foreach ($class->getProperties() as $property) {
        $facts['properties'][$property->getName()] = [
            'type' => typeOf($property->getType()),
            'default' => $defaults[$property->getName()] ?? null,
        ];
    }
    foreach ($class->getMethods() as $method) {
        $facts['methods'][$method->getName()] = signatureOf($method);
    }
    $facts['properties'] = (object) $facts['properties'];
    $facts['methods'] = (object) $facts['methods'];
    return $facts;
}

/* PHP has no class for wrappers: what it calls on one, and with what, is seen by a wrapper that answers to every name. */
final class Probe
{
    public static array $calls = [];
    public $context;

    public function __construct()
    {
        self::$calls['__construct'] = [];
    }

    public function __destruct()
    {
        self::$calls['__destruct'] = [];
    }

    public function __call(string $name, array $arguments)
    {
        self::$calls[$name] = array_map('gettype', $arguments);
        $answers = [
            'stream_read' => 'text', 'stream_write' => 1, 'stream_tell' => 0, 'stream_eof' => false, 'dir_readdir' => 'name',
            'stream_stat' => ['mode' => 0100644], 'url_stat' => ['mode' => 0100644], 'stream_cast' => tmpfile(),
        ];
        return $answers[$name] ?? true;
    }
}

function wrapperCalls(): array
{
    stream_wrapper_register('probe', 'Probe');
    $stream = fopen('probe://x', 'r+');
    fread($stream, 4);
    fwrite($stream, 'x');
    fflush($stream);
    fseek($stream, 1);
    fstat($stream);
    ftruncate($stream, 1);
    flock($stream, LOCK_SH);
    stream_set_blocking($stream, false);
    $read = [$stream];
    $write = $except = null;
    @stream_select($read, $write, $except, 0);
    feof($stream);
    fclose($stream);
    $folder = opendir('probe://x');
    readdir($folder);
    rewinddir($folder);
    closedir($folder);
    touch('probe://x');
    stat('probe://x');
    rename('probe://x', 'probe://y');
    mkdir('probe://x');
    rmdir('probe://x');
    unlink('probe://x');
    stream_wrapper_unregister('probe');
    gc_collect_cycles();
    ksort(Probe::$calls);
    return Probe::$calls;
}

function sorted(array $names): array
{
    sort($names);
    return $names;
}

$functions = [];
foreach ($books as $chapter => $names) {
    foreach (preg_split('/\s+/', trim($names)) as $name) {
        if (function_exists($name)) {
            $function = new ReflectionFunction($name);
            $functions[$name] = ['chapter' => $chapter, 'extension' => $function->getExtensionName()] + signatureOf($function);
            if (isset($aliases[$name])) {
                $functions[$name]['alias_of'] = $aliases[$name];
            }
        }
    }
}
ksort($functions);

$constants = [];
foreach ($constantsOf as $extension) {
    foreach (get_defined_constants(true)[$extension] ?? [] as $name => $value) {
        if (preg_match($constantNames, $name) && !preg_match($machineConstants, $name)) {
            $constants[$name] = $value;
        }
    }
}
ksort($constants);

$classes = [];
foreach (['php_user_filter', 'Directory', 'StreamBucket', 'OpenSSLCertificate'] as $name) {
    if (class_exists($name)) {
        $classes[$name] = classFacts($name);
    }
}

// Each with the class it extends.
$exceptions = [];
foreach (['ArgumentCountError', 'TypeError', 'ValueError'] as $name) {
    if (class_exists($name)) {
        $exceptions[$name] = get_parent_class($name);
    }
}

$ini = [];
foreach ($settings as $name) {
    $ini[$name] = ini_get($name);
}

echo json_encode([
    'php' => PHP_VERSION,
    'functions' => $functions,
    'constants' => $constants,
    'classes' => $classes,
    'exceptions' => $exceptions,
    'stream_wrapper_methods' => wrapperCalls(),
    'ini' => $ini,
    'stream_get_transports' => stream_get_transports(),
    // Without those of extensions that have no part in this.
    'stream_get_wrappers' => sorted(array_diff(stream_get_wrappers(), ['phar', 'ogg', 'rar', 'expect', 'ssh2'])),
    'stream_get_filters' => sorted(stream_get_filters()),
], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR), "\n";
