%% Long-poll server on MochiWeb: one Erlang process per connection, straight-line code. A held request is a
%% process that waits in `receive ... after`; the room, a process of its own, owns the list of waiters and
%% sends each the message. With `--hibernate` a waiting process gives up its stack and most of its heap until
%% the message wakes it.
-module(server).
-export([main/1, loop/2, awake/3]).
-define(HOLD_TIMEOUT, 300000). % milliseconds

room(Channels) ->
    receive
        {subscribe, Channel, From} ->
            room(Channels#{Channel => [From | maps:get(Channel, Channels, [])]});
        {leave, Channel, From} ->
            From ! left,
            room(Channels#{Channel => lists:delete(From, maps:get(Channel, Channels, []))});
        {publish, Channel, Message, From} ->
            From ! posted,
            lists:foreach(fun(Waiter) -> Waiter ! {message, Message} end, maps:get(Channel, Channels, [])),
            room(maps:remove(Channel, Channels));
        {count, From} ->
            From ! {held, lists:sum([length(Waiters) || Waiters <- maps:values(Channels)])},
            room(Channels)
    end.

loop(Req, Hibernate) ->
    Query = mochiweb_request:parse_qs(Req),
    Channel = proplists:get_value("channel", Query, "all"),
    case {mochiweb_request:get(method, Req), mochiweb_request:get(path, Req)} of
        {'GET', "/subscribe"} -> subscribe(Channel, Req, Hibernate);
        {'GET', "/publish"} -> publish(Channel, message(Query), Req);
        {'POST', "/publish"} -> publish(Channel, posted_message(Req), Req);
        {'GET', "/stats"} -> stats(Req);
        _ -> mochiweb_request:not_found(Req)
    end.

subscribe(Channel, Req, false) ->
    room ! {subscribe, Channel, self()},
    receive
        {message, Message} -> answer(Message, Req)
    after ?HOLD_TIMEOUT -> leave(Channel, Req)
    end;
subscribe(Channel, Req, true) ->
    room ! {subscribe, Channel, self()},
    Timer = erlang:send_after(?HOLD_TIMEOUT, self(), hold_timeout),
    proc_lib:hibernate(?MODULE, awake, [Channel, Req, Timer]).

%% The stack is gone: what follows the answer is said here, by entering MochiWeb's loop again.
awake(Channel, Req, Timer) ->
    receive
        {message, Message} ->
            case erlang:cancel_timer(Timer) of
                false -> receive hold_timeout -> ok end;
                _Left -> ok
            end,
            answer(Message, Req);
        hold_timeout ->
            leave(Channel, Req)
    end,
    (mochiweb_http:reentry({?MODULE, loop, [true]}))(Req).

%% The room's `left` is the last word: a message that it sent before is delivered, none can come after.
leave(Channel, Req) ->
    room ! {leave, Channel, self()},
    receive
        left -> ok
    end,
    receive
        {message, Message} -> answer(Message, Req)
    after 0 -> answer(<<"timeout">>, Req)
    end.

publish(Channel, Message, Req) ->
    room ! {publish, Channel, Message, self()},
    receive
        posted -> answer(<<"ok">>, Req)
    end.

posted_message(Req) ->
    case mochiweb_request:get_primary_header_value("content-type", Req) of
        "text/plain" ->
            case mochiweb_request:recv_body(Req) of
                undefined -> <<>>;
                Body -> Body
            end;
        _ -> message(mochiweb_request:parse_post(Req))
    end.

message(Fields) -> list_to_binary(proplists:get_value("message", Fields, "")).

stats(Req) ->
    room ! {count, self()},
    receive
        {held, Held} ->
            Body = io_lib:format("{\"pattern\":\"mochiweb\",\"pid\":~s,\"held\":~b}", [os:getpid(), Held]),
            mochiweb_request:ok({"application/json", Body}, Req)
    end.

answer(Body, Req) -> mochiweb_request:ok({"text/plain;charset=utf-8", Body}, Req).

%% The process that runs this becomes the room.
main([Address, Port, Hibernate]) ->
    register(room, self()),
    Options = [{ip, Address}, {port, list_to_integer(Port)}, {max, 60000}, {backlog, 1024}, {nodelay, true},
               {loop, {?MODULE, loop, [list_to_atom(Hibernate)]}}],
    case mochiweb_http:start(Options) of
        {ok, Server} ->
            io:format("READY port=~b pid=~s~n", [mochiweb_socket_server:get(Server, port), os:getpid()]),
            room(#{});
        {error, Reason} ->
            io:format(standard_error, "mochiweb: cannot listen on ~s port ~s: ~p~n", [Address, Port, Reason]),
            halt(1)
    end.
