<?php

// Greets by name: ward action invoke hello-php --param name World --result
function main(array $args): array
{
    return ['greeting' => 'Hello, ' . ($args['name'] ?? 'stranger')];
}
