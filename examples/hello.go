// Greets by name: ward action invoke hello-go --param name World --result
//
// It speaks OpenWhisk's ActionLoop: a line on stdin is a call, a line on fd 3 is its result.
package main

import (
	"encoding/json"
	"os"
)

type request struct {
	Value struct {
		Name string `json:"name"`
	} `json:"value"`
}

type result struct {
	Greeting string `json:"greeting"`
}

func greet(name string) result {
	if name == "" {
		name = "stranger"
	}
	return result{Greeting: "Hello, " + name}
}

func main() {
	calls, results := json.NewDecoder(os.Stdin), json.NewEncoder(os.NewFile(3, "results"))
	for {
		var call request
		if calls.Decode(&call) != nil {
			return
		}
		if results.Encode(greet(call.Value.Name)) != nil {
			return
		}
	}
}
