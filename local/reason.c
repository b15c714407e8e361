/* SPDX-License-Identifier: ISC */
#include "reason.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "argv.h"

#define SOLO5_DONE 83 /* Solo5 on virtio leaves through the debug exit with 41 */

static const char qemu_prefix[] = "qemu-system-x86_64: ";

/* The line that ends at `end`, without QEMU's own name in front. */
static size_t line_begin(const char *text, size_t end)
{
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    if (end - begin > sizeof qemu_prefix &&
        !strncmp(text + begin, qemu_prefix, sizeof qemu_prefix - 1))
        begin += sizeof qemu_prefix - 1;
    return begin;
}

void local_last_line(const char *text, char *ret, size_t size)
{
    size_t end = strlen(text), begin = end;
    while (end > 0) {
        while (end > 0 && isspace((unsigned char)text[end - 1]))
            end--;
        begin = line_begin(text, end);
        if (strncmp(text + begin, "warning: ", 9))
            break;
        while (begin > 0 && text[begin - 1] != '\n')
            begin--;
        end = begin;
    }
    size_t n = 0;
    for (size_t i = begin; i < end && n + 1 < size; i++)
        ret[n++] = (char)(isprint((unsigned char)text[i]) ? text[i] : '?');
    ret[n] = '\0';
}

static const char *program_word(const struct local_spec *spec)
{
    return local_how_is_qemu(spec->how) ? "QEMU" : "the tender";
}

/* QEMU's word for a shutdown that the guest brought about. */
static const struct {
    const char *word, *reason;
} shutdowns[] = {
    {"guest-shutdown", "powered off"},
    {"guest-reset", "the guest reset itself (a crash or a reboot)"},
    {"guest-panic", "the guest reported a panic"},
    {"host-signal", "QEMU was ended by a signal"},
    {"host-error", "QEMU stopped on an error"},
};

/* Solo5 always leaves with the same status; only its console says how it went. */
static void solo5_reason(const char *console, char *ret, size_t size)
{
    static const char exited[] = "Solo5: solo5_exit(";
    const char *last = NULL;
    for (const char *p = console; (p = strstr(p, exited)); p++)
        last = p + sizeof exited - 1;
    int status;
    if (strstr(console, "Solo5: solo5_abort() called"))
        snprintf(ret, size, "guest aborted");
    else if (last && sscanf(last, "%d)", &status) == 1)
        snprintf(ret, size, "guest exited with status %d", status);
    else
        snprintf(ret, size, "guest exited");
}

static void qemu_exit(const struct local_spec *spec, int code, const struct local_end *end,
                      const char *line, char *ret, size_t size)
{
    if (spec->solo5_exit && code == SOLO5_DONE)
        solo5_reason(end->console_tail, ret, size);
    else if (code == 1 && *line)
        snprintf(ret, size, "QEMU failed: %s", line);
    else if (code % 2 == 1) /* the debug exit gives 2 * value + 1 */
        snprintf(ret, size, "guest exited with status %d", code / 2);
    else if (code == 0)
        snprintf(ret, size, "powered off");
    else
        snprintf(ret, size, "QEMU exited with status %d", code);
}

static void tender_exit(int code, const char *line, char *ret, size_t size)
{
    if (code != 0 && *line)
        snprintf(ret, size, "the tender failed: %s", line);
    else
        snprintf(ret, size, "guest exited with status %d", code);
}

void local_end_reason(const struct local_spec *spec, const struct local_end *end, char *ret,
                      size_t size)
{
    static const char *const causes[] = {[LOCAL_CAUSE_DEADLINE] = "deadline",
                                         [LOCAL_CAUSE_ASKED] = "asked to stop",
                                         [LOCAL_CAUSE_SIGNAL] = "its keeper was asked to stop"};
    char line[120];
    local_last_line(end->stderr_text, line, sizeof line);
    if (end->cause != LOCAL_CAUSE_NONE) {
        snprintf(ret, size, "%s", causes[end->cause]);
        return;
    }
    for (size_t i = 0; i < MIR_NELEMS(shutdowns); i++)
        if (!strcmp(shutdowns[i].word, end->shutdown)) {
            snprintf(ret, size, "%s", shutdowns[i].reason);
            return;
        }
    if (WIFSIGNALED(end->wait_status))
        snprintf(ret, size, "%s died by signal %d%s%s", program_word(spec),
                 WTERMSIG(end->wait_status), *line ? ": " : "", line);
    else if (local_how_is_qemu(spec->how))
        qemu_exit(spec, WEXITSTATUS(end->wait_status), end, line, ret, size);
    else
        tender_exit(WEXITSTATUS(end->wait_status), line, ret, size);
}

/* "... forwarding rule 'tcp:127.0.0.1:8080-:80'": says which one. */
static int port_failure(const char *line, struct mir_error *err)
{
    char address[46];
    unsigned port;
    const char *rule = strstr(line, "'tcp:");
    if (!strstr(line, "host forwarding rule"))
        return 0;
    if (rule && sscanf(rule, "'tcp:%45[0-9.]:%u", address, &port) == 2)
        mir_fail(err, MIR_CONFLICT, "port %u on %s is in use", port, address);
    else
        mir_fail(err, MIR_CONFLICT, "a published port is in use: %s", line);
    mir_error_hint(err, "choose another with -p HOST:GUEST, or leave the host port out");
    return 1;
}

void local_start_failure(const struct local_spec *spec, const struct local_end *end,
                         struct mir_error *err)
{
    char line[240], reason[160];
    local_last_line(end->stderr_text, line, sizeof line);
    if (end->cause != LOCAL_CAUSE_NONE) {
        local_end_reason(spec, end, reason, sizeof reason);
        mir_fail(err, MIR_FAILED, "the instance was ended while it started: %s", reason);
        return;
    }
    if (port_failure(line, err))
        return;
    if (!*line)
        local_end_reason(spec, end, line, sizeof line);
    mir_fail(err, MIR_FAILED, "%s does not start this kernel: %s", program_word(spec), line);
    if (strstr(line, "PVH ELF Note"))
        mir_error_hint(err, "`mirage-deploy inspect` says where this kernel boots");
    else if (strstr(line, "allocate memory"))
        mir_error_hint(err, "ask for less with --memory");
}
