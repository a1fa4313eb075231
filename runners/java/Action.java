package ward.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;

/** An action's main: a public static method in its jar that takes and returns JSON. Named `Class` or `Class#method`. */
final class Action {
  private static final String DEFAULT_METHOD = "main";

  private final Class<?> type;
  private final String name;
  private final Method main;

  /** Loads the class; its static initialiser runs with the first call. */
  Action(Path jar, String entry) throws IOException, ReflectiveOperationException {
    var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, ClassLoader.getSystemClassLoader());
    Thread.currentThread().setContextClassLoader(loader);
    var at = entry.indexOf('#');
    var hasMethod = at >= 0 && at + 1 < entry.length();
    name = hasMethod ? entry.substring(at + 1) : DEFAULT_METHOD;
    type = loader.loadClass(at < 0 ? entry : entry.substring(0, at));
    main = find(JsonObject.class, find(JsonArray.class, null));
    if (main == null) type.getMethod(name, JsonObject.class);
    if (main == null) {
      var method = type.getName() + "." + name;
      throw new NoSuchMethodException(method + " must be public and static, and take and return JSON");
    }
  }

  /** @throws InvocationTargetException with what the action throws */
  JsonElement run(JsonElement value) throws ReflectiveOperationException {
    var method = value.isJsonArray() ? find(JsonArray.class, main) : main;
    return (JsonElement) method.invoke(null, value);
  }

  private Method find(Class<?> parameter, Method otherwise) {
    try {
      var method = type.getMethod(name, parameter);
      var isFit = Modifier.isStatic(method.getModifiers()) && JsonElement.class.isAssignableFrom(method.getReturnType());
      if (!isFit) return otherwise;
      method.setAccessible(true);
      return method;
    } catch (NoSuchMethodException none) {
      return otherwise;
    }
  }
}
