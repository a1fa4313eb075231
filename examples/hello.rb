# Greets by name: ward action invoke hello-rb --param name World --result
def main(args)
  { greeting: "Hello, #{args.fetch('name', 'stranger')}" }
end
