<?php // A download with a progress bar. Line N of this file is line N of download.py.

// Usage: php download.php http://127.0.0.1/page target

// built in: $argv, exit()

// built in: the stream functions and their constants

const WIDTH = 40;


class ProgressBar {
    // What the context's notification calls while a URL is opened and read.

    public $size;

    public function __construct() {
        // The number of bytes there will be, as far as the server has said.
        $this->size = 0;
    }
    public function note($code, $severity, $message, $number, $done, $most) {
        // Tells what has come to pass.
        if ($code === STREAM_NOTIFY_CONNECT) {
            fwrite(STDOUT, "connected\n");
        }
        if ($code === STREAM_NOTIFY_REDIRECTED) {
            fwrite(STDOUT, "redirected to $message\n");
        }
        if ($code === STREAM_NOTIFY_MIME_TYPE_IS) {
            fwrite(STDOUT, "type: $message\n");
        }
        if ($code === STREAM_NOTIFY_PROGRESS && $done > 0) {
            $this->draw($done);
        }
        $this->size = $code === STREAM_NOTIFY_FILE_SIZE_IS ? $most : $this->size;
    }
    public function draw($done) {
        // One line that is drawn again and again; without a size there are bytes and no bar.
        $filled = $this->size ? min(WIDTH, intdiv(WIDTH * $done, $this->size)) : 0;
        fwrite(STDOUT, "\r[" . str_repeat('#', $filled) . str_repeat('.', WIDTH - $filled) . "] $done bytes");
    }
}
function download($url, $target) {
    // Copies the page into the target; false after PHP's warning.
    $bar = new ProgressBar();
    $context = stream_context_create([], ['notification' => [$bar, 'note']]);
    $fp = fopen($url, 'r', false, $context);
    if (!$fp) {
        return false;
    }
    $size = file_put_contents($target, $fp);
    fclose($fp);
    fwrite(STDOUT, "\n");
    return $size;
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__)
    exit(download($argv[1], $argv[2]) === false ? 1 : 0);
