/* SPDX-License-Identifier: ISC */
/* One boot of an image: deploy, look, judge, end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/id.h"
#include "api/memory.h"
#include "api/provider.h"
#include "client.h"
#include "follow.h"
#include "interrupt.h"
#include "print.h"
#include "prove.h"

#define LEASE_SPARE_S 60 /* beyond the limit, for the launch and for the teardown */
#define TEARDOWN_S 60    /* until it is told that it goes on */
#define LOOK_S 1         /* between two looks, when nothing happens meanwhile */
#define LINES 12         /* of the console, in the result */
#define LINE_MAX_BYTES 240

struct boot {
    struct cmd_context *ctx;
    const struct cmd_proof_boot *asked;
    char id[MIR_ID_TEXT]; /* of the deployment; "" none */
    char name[MIR_NAME_TEXT];
    char expires[MIR_TIME_SIZE];
    char event[64]; /* the last one seen */
    int64_t began_ms;
    struct mir_buf console;
    struct mir_proof_seen seen;
    char end_reason[160];
};

static int64_t boot_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

/* --- begin --- */

static json_t *request_body(const struct boot *b)
{
    const struct cmd_proof *proof = b->asked->proof;
    mir_auto_free char *ttl = mir_format("%llds", (long long)proof->limit_s + LEASE_SPARE_S);
    json_t *ports = json_array();
    if (b->seen.may_answer)
        json_array_append_new(ports, json_pack("{s:i}", "guest", 80));
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:o, s:o}", "provider", "local", "kernel",
                     b->asked->sha256, "name", b->name, "ttl", ttl, "list", 0, "anyway", 1,
                     "memory_bytes", (json_int_t)mir_proof_memory(proof->kernel), "ports", ports,
                     "machine", mir_machine_to_json(&b->asked->machine));
}

/* Sent once more without an answer: the key finds the first one. */
static int begin(struct boot *b, struct mir_error *err)
{
    char key[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), key);
    snprintf(b->name, sizeof b->name, "prove-%.8s", key);
    mir_auto_free char *field = mir_format("Idempotency-Key: %s", key);
    json_t *body = request_body(b), *accepted = NULL;
    int rc = -1;
    for (int i = 0; rc && (i == 0 || (i == 1 && err->outcome == MIR_OUTCOME_UNKNOWN)); i++) {
        struct cmd_http_request request = {
            .method = "POST", .target = "/v1/deployments", .fields = {field}};
        rc = cmd_call_with(b->ctx, &request, body, &accepted, err);
    }
    json_decref(body);
    if (rc)
        return -1;
    const json_t *d = json_object_get(accepted, "deployment");
    mir_copy(b->id, sizeof b->id, cmd_text(d, "id"));
    mir_copy(b->expires, sizeof b->expires, cmd_text(d, "expires_at"));
    json_decref(accepted);
    cmd_interrupt_says("no image was made; '%s', booted to prove it, ends by itself at %s; end it "
                       "now: mirage-deploy rm %s",
                       b->name, b->expires, b->name);
    return 0;
}

/* --- look --- */

static int read_console(struct boot *b, struct mir_error *err)
{
    mir_auto_free char *socket = cmd_socket_path(err);
    mir_auto_free char *target = cmd_target("deployments", b->id, "/logs");
    struct cmd_http_request request = {.method = "GET", .target = target};
    struct cmd_http_answer answer;
    if (!socket)
        return -1;
    int rc = cmd_http_call(socket, &request, &answer, err);
    if (!rc && answer.status >= 300)
        rc = cmd_problem(b->ctx, &answer, err);
    if (!rc) {
        mir_buf_clear(&b->console);
        b->console = answer.body;
        mir_buf_init(&answer.body, CMD_HTTP_ANSWER_MAX);
    }
    cmd_http_answer_clear(&answer);
    return rc;
}

static bool is_over(const char *state)
{
    return !strcmp(state, "ending") || !strcmp(state, "gone") || !strcmp(state, "failed") ||
           !strcmp(state, "stuck");
}

/* State first, so that the console of an instance that has ended is whole. */
static int look(struct boot *b, struct mir_error *err)
{
    mir_auto_free char *target = cmd_target("deployments", b->id, NULL);
    json_t *d = NULL;
    if (cmd_call(b->ctx, "GET", target, NULL, &d, err))
        return -1;
    const json_t *error = json_object_get(d, "error");
    const char *state = cmd_text(d, "state");
    const char *why = cmd_text(json_object_get(d, "instance"), "end_reason");
    b->seen.answered = !strcmp(state, "live");
    b->seen.ended = is_over(state);
    mir_copy(b->end_reason, sizeof b->end_reason, *why ? why : cmd_text(error, "text"));
    json_decref(d);
    if (read_console(b, err))
        return -1;
    b->seen.console = mir_buf_text(&b->console);
    b->seen.console_len = b->console.len;
    b->seen.end_reason = b->end_reason;
    b->seen.now_ms = boot_ms() - b->began_ms;
    if (b->seen.spoke_ms < 0 && mir_proof_spoke(b->seen.console, b->seen.console_len))
        b->seen.spoke_ms = b->seen.now_ms;
    return 0;
}

static int on_event(void *ctx, const json_t *event, struct mir_error *err)
{
    struct boot *b = ctx;
    const json_t *id = json_object_get(event, "id");
    (void)err;
    if (json_is_integer(id))
        snprintf(b->event, sizeof b->event, "%lld", (long long)json_integer_value(id));
    else if (json_is_string(id))
        mir_copy(b->event, sizeof b->event, json_string_value(id));
    return 1; /* something happened: look again */
}

static int watch(struct boot *b, enum mir_proof_verdict *ret, struct mir_error *err)
{
    for (;;) {
        if (cmd_interrupt_pending())
            return mir_fail(err, MIR_INTERRUPTED, "interrupted: no image was made");
        if (look(b, err))
            return -1;
        *ret = mir_proof_judge(&b->seen);
        if (*ret != MIR_PROOF_WAIT)
            return 0;
        struct mir_error quiet = {0};
        if (cmd_follow_events(b->ctx, b->id, b->event, LOOK_S, on_event, b, &quiet) &&
            quiet.kind != MIR_TIMEOUT) {
            *err = quiet;
            return -1;
        }
    }
}

/* --- end --- */

/* What cannot be confirmed is said, and is no reason against the image: the lease ends it. */
static void end(struct boot *b)
{
    mir_auto_free char *target = cmd_target("deployments", b->id, NULL);
    struct mir_error err = {0};
    json_t *accepted = NULL;
    bool quiet = b->ctx->quiet;
    if (!*b->id)
        return;
    b->ctx->quiet = true; /* the steps of a teardown are nothing for the reader of a proof */
    int rc = cmd_call(b->ctx, "DELETE", target, NULL, &accepted, &err);
    if (!rc)
        rc = cmd_follow(b->ctx, json_object_get(accepted, "operation"), TEARDOWN_S, &err);
    b->ctx->quiet = quiet;
    json_decref(accepted);
    if (rc)
        cmd_say(b->ctx, "'%s' was not seen to end (%s); it ends by itself at %s", b->name, err.text,
                b->expires);
}

/* --- tell --- */

/* One line, for people and for JSON: without the control sequences of the firmware's screen. */
static json_t *line_json(const char *line, size_t len)
{
    char plain[LINE_MAX_BYTES + 1];
    size_t n = 0;
    for (size_t i = 0; i < len && n < LINE_MAX_BYTES; i++) {
        if (line[i] == '\x1b' && i + 1 < len && line[i + 1] == '[')
            for (i += 2; i < len && (line[i] < '@' || line[i] > '~'); i++)
                ;
        else if (line[i] != '\r' && line[i] != '\0')
            plain[n++] = line[i];
    }
    plain[n] = '\0';
    mir_auto_free char *clean = cmd_term_clean(plain);
    return *clean ? json_string(clean) : NULL;
}

static json_t *last_lines(const struct boot *b)
{
    json_t *lines = json_array();
    const char *text = b->console.len ? mir_buf_text(&b->console) : "",
               *end = text + b->console.len;
    while (end > text && json_array_size(lines) < LINES) {
        const char *begin = end;
        while (begin > text && begin[-1] != '\n')
            begin--;
        json_t *line = line_json(begin, (size_t)(end - begin));
        if (line)
            json_array_insert_new(lines, 0, line);
        end = begin > text ? begin - 1 : text;
    }
    return lines;
}

static int not_proven(const struct boot *b, const json_t *lines, struct mir_error *err)
{
    size_t i;
    const json_t *line;
    if (json_array_size(lines) && !b->ctx->quiet && !b->ctx->json)
        cmd_say(b->ctx, "last lines of its console:");
    json_array_foreach(lines, i, line) if (!b->ctx->json)
        cmd_say(b->ctx, "  %s", json_string_value(line));
    const char *firmware = mir_firmware_name(b->asked->machine.firmware);
    if (b->seen.ended)
        mir_fail(err, MIR_FAILED, "the image is not proven and not kept: by %s it ended%s%s",
                 firmware, *b->end_reason ? ": " : "", b->end_reason);
    else
        mir_fail(err, MIR_FAILED,
                 "the image is not proven and not kept: by %s its kernel said and answered nothing "
                 "within %lld s",
                 firmware, (long long)b->asked->proof->limit_s);
    return mir_error_hint(err, b->seen.ended
                                   ? "boot it by hand: leave --prove away, and deploy it to local"
                                   : "does it speak on the serial port, or need longer? "
                                     "--prove-timeout 5m");
}

static void begin_to_tell(const struct boot *b)
{
    json_t *machine = mir_machine_to_json(&b->asked->machine);
    mir_auto_free char *text = cmd_machine_text(machine);
    json_decref(machine);
    cmd_say(b->ctx, "proving: %s", text);
}

int cmd_prove_boot(struct cmd_context *ctx, const struct cmd_proof_boot *asked, json_t **ret,
                   struct mir_error *err)
{
    enum mir_proof_verdict verdict = MIR_PROOF_WAIT;
    struct boot b = {.ctx = ctx, .asked = asked, .began_ms = boot_ms()};
    b.seen = (struct mir_proof_seen){
        .spoke_ms = -1,
        .may_answer = asked->machine.nic != MIR_CARD_NONE,
        .promises = (asked->proof->kernel->takes_part & MIR_PART_WELL_KNOWN) != 0,
        .limit_ms = asked->proof->limit_s * 1000};
    mir_buf_init(&b.console, CMD_HTTP_ANSWER_MAX);
    begin_to_tell(&b);
    int rc = begin(&b, err);
    if (!rc)
        rc = watch(&b, &verdict, err);
    end(&b);
    if (!rc) {
        json_t *lines = last_lines(&b);
        if (verdict == MIR_PROOF_FAILED)
            rc = not_proven(&b, lines, err);
        int64_t after_ms = verdict == MIR_PROOF_SPOKE ? b.seen.spoke_ms : b.seen.now_ms;
        *ret = json_pack("{s:s, s:o, s:I, s:o}", "verdict", mir_proof_verdict_name(verdict),
                         "machine", mir_machine_to_json(&asked->machine), "after_ms",
                         (json_int_t)after_ms, "console", lines);
    }
    mir_buf_clear(&b.console);
    return rc;
}
