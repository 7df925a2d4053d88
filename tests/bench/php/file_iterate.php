<?php
require __DIR__ . '/file_fgets.php';
