/* SPDX-License-Identifier: ISC */
/* Which answer a request gets, and sending it. */
#include "http.h"

#include "fmt.h"
#include "hello.h"
#include "mem.h"
#include "page.h"

struct status {
    const char *line;
    const char *headers;
};

static const struct status status_200 = {"200 OK", ""};
static const struct status status_400 = {"400 Bad Request", ""};
static const struct status status_404 = {"404 Not Found", ""};
static const struct status status_405 = {"405 Method Not Allowed", "Allow: GET, HEAD\r\n"};
static const struct status status_431 = {"431 Request Header Fields Too Large", ""};

static const char text_plain[] = "text/plain; charset=utf-8";

static const struct {
    const char *path;
    const char *type;
    void (*write)(const struct hello *hello, struct fmt *body);
} pages[] = {
    {"/", "text/html; charset=utf-8", page_index},
    {"/health", "application/json", page_health},
    {"/.well-known/unikernel", "application/json", page_well_known},
};

void http_init(struct http *http, struct hello *hello)
{
    (void)hello;
    http->requests = 0;
}

static void send_answer(struct hello *hello, struct tcp_conn *conn, const struct status *status,
                        const char *type, const struct fmt *body, bool head_only, bool keep_alive)
{
    struct fmt head;

    fmt_init(&head, hello->http.head, sizeof(hello->http.head));
    fmt_str(&head, "HTTP/1.1 ");
    fmt_str(&head, status->line);
    fmt_str(&head, "\r\nDate: ");
    fmt_date(&head, hello->plat->unix_s(hello->plat->ctx));
    fmt_str(&head, "\r\nServer: hello/" HELLO_VERSION "\r\nContent-Type: ");
    fmt_str(&head, type);
    fmt_str(&head, "\r\nContent-Length: ");
    fmt_u64(&head, body->len);
    fmt_str(&head, "\r\nCache-Control: no-store\r\n");
    fmt_str(&head, status->headers);
    fmt_str(&head, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    (void)tcp_write(conn, head.text, head.len);
    if (!head_only)
        (void)tcp_write(conn, body->text, body->len);
    if (!keep_alive) {
        /* What still comes in is of no interest, but must not meet a reset. */
        conn->discard = true;
        tcp_close(conn);
    }
}

/* An answer without a page: its own status line is all there is to say. */
static void send_status(struct hello *hello, struct tcp_conn *conn, const struct status *status,
                        bool head_only, bool keep_alive)
{
    struct fmt body;

    fmt_init(&body, hello->http.body, sizeof(hello->http.body));
    fmt_str(&body, status->line);
    fmt_str(&body, "\n");
    send_answer(hello, conn, status, text_plain, &body, head_only, keep_alive);
}

static void answer(struct hello *hello, struct tcp_conn *conn, const struct http_request *request)
{
    bool head_only = fmt_same(request->method, request->method_len, "HEAD");
    bool keep_alive = request->keep_alive && !request->has_body && !conn->fin_seen;
    struct fmt body;

    if (!head_only && !fmt_same(request->method, request->method_len, "GET")) {
        send_status(hello, conn, &status_405, false, keep_alive);
        return;
    }
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (!fmt_same(request->path, request->path_len, pages[i].path))
            continue;
        fmt_init(&body, hello->http.body, sizeof(hello->http.body));
        pages[i].write(hello, &body);
        send_answer(hello, conn, &status_200, pages[i].type, &body, head_only, keep_alive);
        return;
    }
    send_status(hello, conn, &status_404, head_only, keep_alive);
}

static void event(void *ctx, struct tcp_conn *conn)
{
    struct hello *hello = ctx;
    struct http_request request;
    size_t len;

    /* One answer at a time: an empty send buffer always has room for the longest. */
    while (conn->tx_len == 0 && !conn->fin_wanted) {
        switch (http_parse((const char *)conn->rx, conn->rx_len, &request, &len)) {
        case HTTP_OK:
            hello->http.requests++;
            answer(hello, conn, &request);
            tcp_consume(conn, len);
            break;
        case HTTP_BAD:
            hello->http.requests++;
            send_status(hello, conn, &status_400, false, false);
            break;
        case HTTP_INCOMPLETE:
        default:
            if (conn->rx_len == TCP_RX_BYTES) {
                hello->http.requests++;
                send_status(hello, conn, &status_431, false, false);
            } else if (conn->fin_seen) {
                tcp_close(conn);
            }
            return;
        }
    }
}

const struct tcp_app http_app = {.event = event, .gone = NULL};
