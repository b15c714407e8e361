/* SPDX-License-Identifier: ISC */
#include "reason.h"

#include <signal.h>

#include "local_help.h"

#define EXITED(code) ((code) << 8) /* a status as waitpid gives it */

static void ends(void **state)
{
    (void)state;
    static const struct {
        struct local_end end;
        enum local_how how;
        bool solo5;
        const char *reason;
    } rows[] = {
        {{LOCAL_CAUSE_DEADLINE, SIGKILL, "", "", "x"}, 0, 0, "deadline"},
        {{LOCAL_CAUSE_ASKED, EXITED(0), "host-signal", "", "terminating on signal 15"},
         0,
         0,
         "asked to stop"},
        {{LOCAL_CAUSE_SIGNAL, EXITED(0), "", "", ""}, 0, 0, "its keeper was asked to stop"},
        {{0, EXITED(0), "guest-shutdown", "", ""}, 0, 0, "powered off"},
        {{0, EXITED(0), "guest-reset", "", ""},
         0,
         0,
         "the guest reset itself (a crash or a reboot)"},
        {{0, EXITED(0), "", "", ""}, 0, 0, "powered off"},
        {{0, EXITED(83), "", "Solo5: solo5_exit(0) called\n", ""},
         0,
         1,
         "guest exited with status 0"},
        {{0, EXITED(83), "", "solo5_exit(9)\nSolo5: solo5_exit(4) called\n", ""},
         0,
         1,
         "guest exited with status 4"},
        {{0, EXITED(83), "", "Solo5: solo5_abort() called\n", ""}, 0, 1, "guest aborted"},
        {{0, EXITED(83), "", "Solo5: solo5_exit(", ""}, 0, 1, "guest exited"},
        {{0, EXITED(2), "", "", ""}, 0, 0, "QEMU exited with status 2"},
        {{0, EXITED(1), "", "", "solo5-spt: no\n"},
         LOCAL_HOW_SOLO5_SPT,
         0,
         "the tender failed: solo5-spt: no"},
        {{0, EXITED(83), "", "", ""}, 0, 0, "guest exited with status 41"},
        {{0, EXITED(11), "", "", ""}, 0, 0, "guest exited with status 5"},
        {{0, EXITED(1), "", "", ""}, 0, 0, "guest exited with status 0"},
        {{0, EXITED(1), "", "", "qemu-system-x86_64: warning: odd\n"},
         0,
         0,
         "guest exited with status 0"},
        {{0, EXITED(1), "", "", "a\nqemu-system-x86_64: no\x1b[m room\n\n"},
         0,
         0,
         "QEMU failed: no?[m room"},
        {{0, SIGSEGV, "", "", "ouch\n"}, 0, 0, "QEMU died by signal 11: ouch"},
        {{0, SIGKILL, "", "", ""}, 0, 0, "QEMU died by signal 9"},
        {{0, EXITED(2), "", "", ""}, LOCAL_HOW_SOLO5_SPT, 0, "guest exited with status 2"},
        {{0, EXITED(0), "", "", ""}, LOCAL_HOW_SOLO5_HVT, 0, "guest exited with status 0"},
        {{0, SIGABRT, "", "", ""}, LOCAL_HOW_SOLO5_SPT, 0, "the tender died by signal 6"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct local_spec spec = local_some_spec();
        char reason[160];
        spec.how = rows[i].how;
        spec.solo5_exit = rows[i].solo5;
        local_end_reason(&spec, &rows[i].end, reason, sizeof reason);
        assert_string_equal(reason, rows[i].reason);
    }
}

static void long_complaints_are_cut(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    char text[2000], reason[160];
    memset(text, 'z', sizeof text);
    text[sizeof text - 1] = '\0';
    struct local_end end = {0, SIGABRT, "", "", text};
    local_end_reason(&spec, &end, reason, sizeof reason);
    assert_true(strlen(reason) < sizeof reason);
    assert_memory_equal(reason, "QEMU died by signal 6: zzz", 26);
}

static void start_failures(void **state)
{
    (void)state;
    static const struct {
        const char *stderr_text;
        enum mir_kind kind;
        const char *text, *hint;
    } rows[] = {
        {"qemu-system-x86_64: -netdev user,id=net0: Could not set up host forwarding rule "
         "'tcp:127.0.0.1:8080-:80'\n",
         MIR_CONFLICT, "port 8080 on 127.0.0.1 is in use", "another"},
        {"Could not set up host forwarding rule 'udp:1'\n", MIR_CONFLICT, "in use", "another"},
        {"qemu-system-x86_64: Error loading uncompressed kernel without PVH ELF Note\n", MIR_FAILED,
         "QEMU does not start this kernel: Error loading", "inspect"},
        {"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory\n",
         MIR_FAILED, "guest memory", "--memory"},
        {"", MIR_FAILED, "guest exited with status 0", ""},
    };
    struct local_spec spec = local_some_spec();
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        struct local_end end = {0, EXITED(1), "", "", rows[i].stderr_text};
        local_start_failure(&spec, &end, &err);
        assert_int_equal(err.kind, rows[i].kind);
        assert_non_null(strstr(err.text, rows[i].text));
        assert_non_null(strstr(err.hint, rows[i].hint));
    }
    struct mir_error err = {0};
    struct local_end end = {LOCAL_CAUSE_ASKED, EXITED(0), "", "", ""};
    local_start_failure(&spec, &end, &err);
    assert_non_null(strstr(err.text, "while it started: asked to stop"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),
        cmocka_unit_test(long_complaints_are_cut),
        cmocka_unit_test(start_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
