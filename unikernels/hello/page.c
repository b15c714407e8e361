/* SPDX-License-Identifier: ISC */
#include "page.h"

#include "hello.h"

static uint64_t uptime_ms(const struct hello *hello)
{
    return hello->plat->uptime_ms(hello->plat->ctx);
}

static uint32_t now_s(const struct hello *hello)
{
    return hello->plat->unix_s(hello->plat->ctx);
}

static void deadline_or_null(const struct hello *hello, struct fmt *body)
{
    if (hello->deadline == 0)
        fmt_str(body, "null");
    else
        fmt_u64(body, hello->deadline);
}

void page_health(const struct hello *hello, struct fmt *body)
{
    fmt_str(body, "{\"status\":\"ok\",\"name\":");
    fmt_json(body, hello->args.name);
    fmt_str(body, ",\"uptime_ms\":");
    fmt_u64(body, uptime_ms(hello));
    fmt_str(body, ",\"requests\":");
    fmt_u64(body, hello->http.requests);
    fmt_str(body, ",\"now\":");
    fmt_u64(body, now_s(hello));
    fmt_str(body, ",\"deadline\":");
    deadline_or_null(hello, body);
    fmt_str(body, "}\n");
}

void page_well_known(const struct hello *hello, struct fmt *body)
{
    fmt_str(body, "{\"unikernel\":\"hello\",\"version\":\"" HELLO_VERSION "\",\"name\":");
    fmt_json(body, hello->args.name);
    fmt_str(body, ",\"token\":");
    fmt_json(body, hello->args.token);
    fmt_str(body, ",\"deadline\":");
    deadline_or_null(hello, body);
    fmt_str(body, ",\"grace\":");
    fmt_u64(body, hello->args.grace);
    fmt_str(body, "}\n");
}

/* "2 d 03:04:05" */
static void duration(struct fmt *body, uint32_t s)
{
    if (s >= 86400) {
        fmt_u64(body, s / 86400);
        fmt_str(body, " d ");
    }
    fmt_two(body, s / 3600 % 24);
    fmt_str(body, ":");
    fmt_two(body, s / 60 % 60);
    fmt_str(body, ":");
    fmt_two(body, s % 60);
}

static uint32_t uptime_s(const struct hello *hello)
{
    uint64_t up = uptime_ms(hello);

    (void)fmt_divide(&up, 1000);
    return (uint32_t)up;
}

static const char page_top[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>";

static const char page_style[] =
    "</title><style>\n"
    ":root{color-scheme:light dark;--ink:#1c2733;--dim:#5c6b7a;--paper:#f4f7fa;--card:#fff;"
    "--edge:#d9e1e8;--mark:#0b7a75}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#93a1af;--paper:#0e141a;"
    "--card:#16202a;--edge:#273441;--mark:#4fd1c5}}\n"
    "*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "padding:1.5rem;background:var(--paper);color:var(--ink);"
    "font:1.05rem/1.5 system-ui,sans-serif}\n"
    "main{width:100%;max-width:34rem;background:var(--card);border:1px solid var(--edge);"
    "border-top:4px solid var(--mark);border-radius:12px;padding:2rem}\n"
    "h1{margin:0;font-size:2rem;overflow-wrap:anywhere}p{color:var(--dim);margin:.4rem 0 1.4rem}\n"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1.5rem;margin:0}"
    "dt{color:var(--dim)}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}\n"
    "footer{margin-top:1.4rem;padding-top:1rem;border-top:1px solid var(--edge);font-size:.9rem}"
    "a{color:var(--mark)}\n"
    "</style></head><body><main><h1>";

static const char page_intro[] =
    "</h1><p>A unikernel: this page, its web server and its network stack are the whole machine."
    "</p><dl><dt>Up for</dt><dd id=\"up\">";

/* Counts on by itself, so that an open page is not a page that lies. */
static const char page_script[] =
    "</dd></dl><footer><a href=\"/health\">health</a> &middot; "
    "<a href=\"/.well-known/unikernel\">about this unikernel</a></footer></main><script>\n"
    "const t0=Date.now(),two=n=>String(n).padStart(2,'0'),"
    "show=s=>(s>=86400?Math.floor(s/86400)+' d ':'')+two(Math.floor(s/3600)%24)+':'+"
    "two(Math.floor(s/60)%60)+':'+two(s%60);\n"
    "setInterval(()=>{const d=Math.floor((Date.now()-t0)/1000);"
    "up.textContent=show(up0+d);"
    "if(left0!==null)left.textContent=left0>d?show(left0-d):'over';},1000);\n"
    "</script></body></html>\n";

static void time_left(const struct hello *hello, struct fmt *body)
{
    uint32_t now = now_s(hello);

    fmt_str(body, "</dd><dt>Time left</dt><dd id=\"left\">");
    if (hello->deadline == 0)
        fmt_str(body, "no deadline");
    else if (hello->deadline <= now)
        fmt_str(body, "over");
    else
        duration(body, hello->deadline - now);
    if (hello->deadline != 0) {
        fmt_str(body, "</dd><dt>Until</dt><dd>");
        fmt_date(body, hello->deadline);
    }
}

void page_index(const struct hello *hello, struct fmt *body)
{
    uint32_t now = now_s(hello);
    uint32_t up = uptime_s(hello);

    fmt_str(body, page_top);
    fmt_html(body, hello->args.name);
    fmt_str(body, page_style);
    fmt_html(body, hello->args.name);
    fmt_str(body, page_intro);
    duration(body, up);
    fmt_str(body, "</dd><dt>Requests served</dt><dd>");
    fmt_u64(body, hello->http.requests);
    time_left(hello, body);
    /* The script's starting values; two scripts, so that the second can be one constant. */
    fmt_str(body, "<script>const up0=");
    fmt_u64(body, up);
    fmt_str(body, ",left0=");
    if (hello->deadline == 0)
        fmt_str(body, "null");
    else
        fmt_u64(body, hello->deadline > now ? hello->deadline - now : 0);
    fmt_str(body, "</script>");
    fmt_str(body, page_script);
}
