<?php // Streams a text and a file into an SMTP DATA phase. Line N of this file is line N of attachment.py.

// Usage: php attachment.php host port from to text attachment

// built in: $argv, exit()
// built in: basename()

// built in: the stream functions and their constants


class dot_stuffing extends php_user_filter {
    // A line that begins with a dot gets another one in front: a dot alone would end the mail.

    private $line_begins = true;

    public function filter($in, $out, &$consumed, $closing): int {
        while ($bucket = stream_bucket_make_writeable($in)) {
            $consumed += $bucket->datalen;
            $bucket->data = str_replace("\n.", "\n..", $bucket->data);
            if ($this->line_begins && $bucket->data[0] === '.')
                $bucket->data = '.' . $bucket->data;
            $this->line_begins = substr($bucket->data, -1) === "\n";
            stream_bucket_append($out, $bucket);
        }
        return PSFS_PASS_ON;
    }
}
function reply($smtp, $code) {
    // Whether the server's reply, to its last line, has that code.
    $line = fgets($smtp);
    while ($line !== false && substr($line, 3, 1) === '-')
        $line = fgets($smtp);
    return $line !== false && substr($line, 0, 3) === $code;
}

function command($smtp, $line, $code) {
    fwrite($smtp, "$line\r\n");
    return reply($smtp, $code);
}

function message($smtp, $boundary, $text, $attachment) {
    // What goes out is never held as a whole: the filters work on it while it passes.
    fwrite($smtp, "Content-Type: multipart/mixed; boundary=$boundary\r\n\r\n--$boundary\r\n\r\n");
    $filter = stream_filter_append($smtp, 'dot_stuffing', STREAM_FILTER_WRITE);
    stream_copy_to_stream(fopen($text, 'rb'), $smtp);
    stream_filter_remove($filter);
    $name = basename($attachment);
    fwrite($smtp, "\r\n--$boundary\r\nContent-Disposition: attachment; filename=$name\r\n");
    fwrite($smtp, "Content-Transfer-Encoding: base64\r\n\r\n");
    $params = ['line-length' => 76, 'line-break-chars' => "\r\n"];
    $filter = stream_filter_append($smtp, 'convert.base64-encode', STREAM_FILTER_WRITE, $params);
    $size = stream_copy_to_stream(fopen($attachment, 'rb'), $smtp);
    stream_filter_remove($filter);
    fwrite($smtp, "\r\n--$boundary--\r\n");
    return $size;
}

function main($host, $port, $sender, $to, $text, $attachment) {
    stream_filter_register('dot_stuffing', dot_stuffing::class);
    $smtp = fsockopen($host, $port, $errno, $errstr, 30);
    if (!$smtp)
        return "Could not connect: [$errno] $errstr";
    if (!reply($smtp, '220') || !command($smtp, 'EHLO client.example.org', '250'))
        return 'The server does not want to talk';
    if (!command($smtp, "MAIL FROM:<$sender>", '250') || !command($smtp, "RCPT TO:<$to>", '250'))
        return 'The server does not take the mail';
    if (!command($smtp, 'DATA', '354'))
        return 'The server does not take the data';
    $size = message($smtp, 'part', $text, $attachment);
    if (!command($smtp, '.', '250'))
        return 'The server did not accept the mail';
    command($smtp, 'QUIT', '221');
    return "Sent, with an attachment of $size bytes";
}

fwrite(STDOUT, main(...array_slice($argv, 1)) . "\n");
