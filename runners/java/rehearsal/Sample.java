package example;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.stream.Collectors;

/** An action that does what many actions do: logs, formats, builds JSON. */
public class Sample {
  record Item(String name, int count) {}

  public static JsonObject main(JsonObject parameters) {
    var name = parameters.has("name") ? parameters.getAsJsonPrimitive("name").getAsString() : "stranger";
    System.out.println("hello " + name + " in " + System.getenv("__OW_NAMESPACE"));
    System.err.printf("%s %d%n", name, parameters.size());
    var words = new JsonArray();
    Arrays.stream("to be or not to be".split(" "))
        .collect(Collectors.groupingBy(word -> word, Collectors.counting()))
        .forEach((word, count) -> words.add(word + ": " + count));
    var result = new JsonObject();
    result.addProperty("greeting", "Hello, " + name);
    result.add("words", words);
    result.add("item", new Gson().toJsonTree(new Item(name, 1)));
    return result;
  }
}
