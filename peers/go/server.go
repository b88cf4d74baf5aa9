// Long-poll server on Go's net/http: a goroutine for each connection, which Go's runtime runs on a thread
// for each core. A held request is a goroutine that waits in select; a publish sends the message to the
// channel of each.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

// The goroutines that wait for the next message, by channel name.
type waitingRoom struct {
	mutex    sync.Mutex
	channels map[string]map[chan []byte]bool
}

var room = waitingRoom{channels: map[string]map[chan []byte]bool{}}

func (r *waitingRoom) join(name string) chan []byte {
	message := make(chan []byte, 1) // so that a publish never waits for a subscriber
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.channels[name] == nil {
		r.channels[name] = map[chan []byte]bool{}
	}
	r.channels[name][message] = true
	return message
}

func (r *waitingRoom) leave(name string, message chan []byte) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.channels[name], message)
}

func (r *waitingRoom) broadcast(name string, body []byte) {
	r.mutex.Lock()
	waiting := r.channels[name]
	delete(r.channels, name)
	r.mutex.Unlock()
	for message := range waiting {
		message <- body
	}
}

func (r *waitingRoom) held() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	held := 0
	for _, waiting := range r.channels {
		held += len(waiting)
	}
	return held
}

func channelOf(request *http.Request) string {
	if name := request.URL.Query().Get("channel"); name != "" {
		return name
	}
	return "all"
}

func subscribe(response http.ResponseWriter, request *http.Request) {
	name := channelOf(request)
	message := room.join(name)
	select {
	case body := <-message:
		response.Header().Set("Content-Type", "text/plain;charset=utf-8")
		response.Write(body)
	case <-request.Context().Done(): // the client has left
		room.leave(name, message)
	}
}

func publish(response http.ResponseWriter, request *http.Request) {
	message, err := messageOf(request)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	room.broadcast(channelOf(request), message)
	response.Header().Set("Content-Type", "text/plain;charset=utf-8")
	io.WriteString(response, "ok")
}

func messageOf(request *http.Request) ([]byte, error) {
	isForm := strings.HasPrefix(request.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if request.Method == http.MethodGet || isForm {
		return []byte(request.FormValue("message")), nil
	}
	return io.ReadAll(request.Body)
}

func stats(response http.ResponseWriter, _ *http.Request) {
	response.Header().Set("Content-Type", "application/json")
	json.NewEncoder(response).Encode(map[string]any{"pattern": "go", "pid": os.Getpid(), "held": room.held()})
}

func main() {
	address := flag.String("address", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 8000, "port to listen on; 0 takes a free one")
	flag.Parse()
	listener, err := net.Listen("tcp", net.JoinHostPort(*address, fmt.Sprint(*port)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
	http.HandleFunc("/subscribe", subscribe)
	http.HandleFunc("/publish", publish)
	http.HandleFunc("/stats", stats)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		os.Exit(0)
	}()
	fmt.Printf("READY port=%d pid=%d\n", listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	fmt.Fprintln(os.Stderr, "go:", http.Serve(listener, nil))
	os.Exit(1)
}
