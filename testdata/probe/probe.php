<?php
// The probe application of "launcher conformance --echo" for PHP; fcgi/conformance/README.md has the contract.
$command = substr($_SERVER['QUERY_STRING'] ?? '', strlen('probe='));
if ($command === 'open') {
    http_response_code(501); // what a request opens is closed with it
}
header('Content-Type: application/octet-stream');
header('X-Probe: ' . getmypid());
if ($command === 'echo') {
    foreach ($_SERVER as $name => $value) {
        if (is_string($value)) {
            echo $name, '=', $value, "\n";
        }
    }
    echo "\n";
    readfile('php://input');
} elseif ($command === 'big') {
    $block = str_repeat('0123456789abcdef', 4096);
    for ($i = 0; $i < 1024; $i++) {
        echo $block;
    }
} elseif ($command === 'stderr') {
    error_log("\x1b[31mred\x07\x7f");
}
