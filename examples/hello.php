<?php

// Greets whoever is named: ward action invoke hello-php --param name World --result
function main(array $args): array
{
    return ['greeting' => 'Hello, ' . ($args['name'] ?? 'stranger')];
}
