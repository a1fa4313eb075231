import com.google.gson.JsonObject;

/** Greets by name: ward action invoke hello-java --param name World --result */
public class Hello {
  public static JsonObject main(JsonObject args) {
    String name = args.has("name") ? args.getAsJsonPrimitive("name").getAsString() : "stranger";
    JsonObject result = new JsonObject();
    result.addProperty("greeting", "Hello, " + name);
    return result;
  }
}
