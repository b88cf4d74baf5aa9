// Long-poll server on Jetty: a thread pool over all cores and Jetty's Continuation. A held request is a
// suspended continuation in the list of its channel, without a thread; a publish resumes each, and Jetty runs
// its request again.
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.continuation.Continuation;
import org.eclipse.jetty.continuation.ContinuationSupport;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

public class CometServer {
    // Pool threads meet here: every method holds the lock.
    static class ClientManager {
        private final Map<String, List<Continuation>> channels = new HashMap<>();

        synchronized void registerClient(String channel, Continuation continuation) {
            channels.computeIfAbsent(channel, name -> new ArrayList<>()).add(continuation);
        }

        synchronized void broadcastMessage(String channel, byte[] message) {
            for (Continuation continuation : Optional.ofNullable(channels.remove(channel)).orElse(List.of())) {
                continuation.setAttribute("message", message);
                continuation.resume();
            }
        }

        synchronized int heldRequests() {
            return channels.values().stream().mapToInt(List::size).sum();
        }
    }

    static final ClientManager clients = new ClientManager();

    static String channel(HttpServletRequest request) {
        return Optional.ofNullable(request.getParameter("channel")).orElse("all");
    }

    static void answer(HttpServletResponse response, String contentType, byte[] body) throws IOException {
        response.setContentType(contentType);
        response.getOutputStream().write(body);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static class SubscribeServlet extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            Continuation continuation = ContinuationSupport.getContinuation(request);
            if (continuation.isInitial()) {
                continuation.setTimeout(0); // until there is a message
                continuation.suspend();
                clients.registerClient(channel(request), continuation);
            } else {
                answer(response, "text/plain;charset=utf-8", (byte[]) continuation.getAttribute("message"));
            }
        }
    }

    static class PublishServlet extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            publish(request, response, bytes(Optional.ofNullable(request.getParameter("message")).orElse("")));
        }

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String type = request.getContentType();
            if (type == null || !type.startsWith("text/plain")) {
                doGet(request, response); // getParameter reads a form body too
                return;
            }
            publish(request, response, request.getInputStream().readAllBytes());
        }

        private void publish(HttpServletRequest request, HttpServletResponse response, byte[] message)
                throws IOException {
            clients.broadcastMessage(channel(request), message);
            answer(response, "text/plain;charset=utf-8", bytes("ok"));
        }
    }

    static class StatsServlet extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            answer(response, "application/json", bytes(String.format("{\"pattern\":\"jetty\",\"pid\":%d,\"held\":%d}",
                    ProcessHandle.current().pid(), clients.heldRequests())));
        }
    }

    static InetSocketAddress readOptions(String[] arguments) {
        String address = "127.0.0.1";
        int port = 8000;
        try {
            for (int i = 0; i < arguments.length; i += 2) {
                switch (arguments[i]) {
                    case "--address" -> address = arguments[i + 1];
                    case "--port" -> port = Integer.parseInt(arguments[i + 1]);
                    default -> throw new IllegalArgumentException("unknown option");
                }
            }
            return new InetSocketAddress(address, port);
        } catch (IllegalArgumentException | IndexOutOfBoundsException error) {
            System.err.println("jetty: cannot use '" + String.join(" ", arguments) + "': use --address A --port N");
            System.exit(64);
            return null;
        }
    }

    public static void main(String[] arguments) {
        InetSocketAddress listen = readOptions(arguments);
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost(listen.getHostString());
        connector.setPort(listen.getPort());
        connector.setAcceptQueueSize(1024);
        server.addConnector(connector);
        ServletContextHandler servlets = new ServletContextHandler();
        servlets.addServlet(new ServletHolder(new SubscribeServlet()), "/subscribe");
        servlets.addServlet(new ServletHolder(new PublishServlet()), "/publish");
        servlets.addServlet(new ServletHolder(new StatsServlet()), "/stats");
        server.setHandler(servlets);
        try {
            server.start();
        } catch (Exception error) {
            System.err.println("jetty: " + error.getMessage());
            System.exit(1);
        }
        System.out.println("READY port=" + connector.getLocalPort() + " pid=" + ProcessHandle.current().pid());
    }
}
