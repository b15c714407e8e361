/* SPDX-License-Identifier: ISC */
#include "interrupt.h"

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"

/* Signal handlers cannot be given a context: this is the one place of the program that keeps one
 * for them. */
static struct {
    bool json;
    char text[512];
    size_t text_len;
    char document[1024];
    size_t document_len;
    volatile sig_atomic_t deferred;
    volatile sig_atomic_t answered;
    volatile sig_atomic_t pending;
} state;

static void put(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void end(void)
{
    put(STDERR_FILENO, state.text, state.text_len);
    if (state.json)
        put(STDOUT_FILENO, state.document, state.document_len);
    _exit(mir_kind_info(MIR_INTERRUPTED)->exit_code);
}

static void on_signal(int sig)
{
    (void)sig;
    if (state.answered) {
        if (state.pending)
            _exit(mir_kind_info(MIR_INTERRUPTED)->exit_code);
        state.pending = 1;
        return;
    }
    if (state.deferred && !state.pending) {
        static const char wait[] = "\nwaiting for the daemon's answer; once more to stop at once\n";
        state.pending = 1;
        put(STDERR_FILENO, wait, sizeof wait - 1);
        return;
    }
    end();
}

static void block(sigset_t *ret_old)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, ret_old);
}

void cmd_interrupt_says(const char *fmt, ...)
{
    char sentence[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    char *clean = mir_strdup(sentence);
    json_t *document = json_pack("{s:{s:s, s:s, s:i}}", "error", "code", "interrupted", "detail",
                                 clean, "exit_code", mir_kind_info(MIR_INTERRUPTED)->exit_code);
    char *json = document ? json_dumps(document, JSON_COMPACT) : NULL;
    sigset_t old;
    block(&old);
    int n = snprintf(state.text, sizeof state.text, "\nmirage-deploy: interrupted: %s\n", clean);
    state.text_len = (size_t)n < sizeof state.text ? (size_t)n : sizeof state.text - 1;
    n = snprintf(state.document, sizeof state.document, "%s\n", json ? json : "{}");
    state.document_len = (size_t)n < sizeof state.document ? (size_t)n : sizeof state.document - 1;
    sigprocmask(SIG_SETMASK, &old, NULL);
    json_decref(document);
    free(json);
    free(clean);
}

static void catch_signals(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void cmd_interrupt_install(bool json)
{
    state.json = json;
    cmd_interrupt_says("nothing was changed");
    catch_signals(0);
}

void cmd_interrupt_answered(void)
{
    sigset_t old;
    block(&old);
    state.answered = 1;
    state.pending = 0;
    catch_signals(SA_RESTART); /* a write that is cut short would cut the answer short */
    sigprocmask(SIG_SETMASK, &old, NULL);
}

bool cmd_interrupt_pending(void)
{
    return state.pending;
}

void cmd_interrupt_defer(bool defer)
{
    sigset_t old;
    block(&old);
    state.deferred = defer;
    bool now = !defer && state.pending && !state.answered;
    state.pending = 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (now)
        end();
}
