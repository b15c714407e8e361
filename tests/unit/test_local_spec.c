/* SPDX-License-Identifier: ISC */
#include "spec.h"

#include "dir.h"
#include "local_help.h"

static void there_and_back(void **state)
{
    (void)state;
    for (int how = 0; how < LOCAL_HOW_COUNT; how++) {
        struct local_spec spec = local_some_spec(), back = {0};
        struct mir_error err = {0};
        spec.how = (enum local_how)how;
        spec.tell_deadline = how % 2;
        spec.solo5_exit = !spec.tell_deadline;
        spec.hardware = (struct mir_machine){MIR_FIRMWARE_UEFI, MIR_BUS_NVME, MIR_CARD_E1000E};
        char *text = local_spec_text(&spec);
        if (local_spec_parse(text, strlen(text), &back, &err))
            fail_msg("%s", err.text);
        assert_int_equal(local_how_by_name(local_how_name(spec.how)), how);
        assert_int_equal(back.how, how);
        assert_string_equal(back.kernel, spec.kernel);
        assert_string_equal(back.arguments, spec.arguments);
        assert_memory_equal(&back.tags, &spec.tags, sizeof spec.tags);
        assert_memory_equal(back.ports, spec.ports, sizeof spec.ports);
        assert_int_equal(back.port_count, 2);
        assert_memory_equal(&back.hardware, &spec.hardware, sizeof spec.hardware);
        assert_int_equal(back.deadline_s, spec.deadline_s);
        assert_int_equal(back.memory_bytes, spec.memory_bytes);
        assert_int_equal(back.tell_deadline, spec.tell_deadline);
        assert_int_equal(back.solo5_exit, spec.solo5_exit);
        assert_int_equal(back.sandbox, true);
        free(text);
    }
    assert_int_equal(local_how_by_name("qemu"), -1);
}

/* Every single change of this kind has to be refused, and the output left alone. */
static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\"qemu-kernel\"", "\"qemu-soup\""},
        {"\"deadline_s\":1800000600", "\"deadline_s\":0"},
        {"\"deadline_s\":1800000600", "\"deadline_s\":\"soon\""},
        {"\"nics\":1", "\"nics\":9"},
        {"\"hardware\":{", "\"hardware\":{\"firmware\":\"efi\""},
        {"\"hardware\":{", "\"hardware\":{\"nic\":\"none\""}, /* with a card to go with it */
        {"\"host\":8080", "\"host\":80800"},
        {"\"host\":8080", "\"host\":0"},
        {"\"guest\":443", "\"guest\":-1"},
        {"127.0.0.1", "127.0.0.1,hostfwd=tcp:"},
        {"\"name\":\"site\"", "\"name\":\"Si te\""},
        {"\"program\":\"/usr", "\"program\":\"usr"},
        {"\"kernel\":\"/var", "\"kernel\":\"var"},
        {LOCAL_TOKEN, "00112233"},
        {"\"sandbox\":true", "\"sandbox\":1"},
        {"\"memory_bytes\":67108865", "\"memory_bytes\":-1"},
        {"\"tcg\"", "\"an accelerator too long\""},
        {"\"signature\"", "\"signatures\""},
    };
    struct local_spec spec = local_some_spec();
    char *text = local_spec_text(&spec);
    for (size_t i = 0; i < MIR_NELEMS(changes); i++) {
        struct local_spec back = {.deadline_s = 77};
        struct mir_error err = {0};
        const char *at = strstr(text, changes[i].from);
        assert_non_null(at);
        char *changed = mir_format("%.*s%s%s", (int)(at - text), text, changes[i].to,
                                   at + strlen(changes[i].from));
        if (!local_spec_parse(changed, strlen(changed), &back, &err))
            fail_msg("taken: %s", changes[i].to);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_int_equal(back.deadline_s, 77);
        free(changed);
    }
    for (size_t len = 0; len < strlen(text); len++) {
        struct local_spec back;
        assert_int_equal(local_spec_parse(text, len, &back, NULL), -1);
    }
    free(text);
}

/* Instances outlive an update: one whose spec says nothing of hardware got what there was. */
static void from_before_the_choice(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec(), back = {.hardware = {MIR_FIRMWARE_UEFI, 0, 0}};
    char *text = local_spec_text(&spec), *at = strstr(text, "\"hardware\":{},");
    if (!at)
        at = strstr(text, ",\"hardware\":{}");
    assert_non_null(at);
    memmove(at, at + strlen(",\"hardware\":{}"), strlen(at + strlen(",\"hardware\":{}")) + 1);
    struct mir_error err = {0};
    if (local_spec_parse(text, strlen(text), &back, &err))
        fail_msg("%s: %s", err.text, text);
    assert_int_equal(back.hardware.firmware, MIR_FIRMWARE_NONE);
    free(text);
}

static void too_many_ports(void **state)
{
    (void)state;
    struct mir_buf text;
    struct local_spec spec = local_some_spec(), back;
    spec.port_count = 0;
    char *whole = local_spec_text(&spec), *at = strstr(whole, "\"ports\":[");
    assert_non_null(at);
    at += strlen("\"ports\":[");
    mir_buf_init(&text, 65536);
    mir_buf_add(&text, whole, (size_t)(at - whole));
    for (int i = 0; i <= MIR_PORTS_MAX; i++)
        mir_buf_addf(&text, "%s{\"address\":\"127.0.0.1\",\"host\":%d,\"guest\":80}", i ? "," : "",
                     2000 + i);
    mir_buf_adds(&text, at);
    assert_int_equal(local_spec_parse(text.data, text.len, &back, NULL), -1);
    mir_buf_clear(&text);
    free(whole);
}

static void saved_and_loaded(void **state)
{
    int fd = local_place_fd(state);
    struct local_spec spec = local_some_spec(), back;
    struct mir_error err = {0};
    assert_int_equal(local_spec_load(fd, &back, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(local_spec_save(fd, &spec, &err), 0);
    assert_int_equal(local_spec_load(fd, &back, &err), 0);
    assert_string_equal(back.arguments, spec.arguments);
    /* What could not be read back is not written. */
    mir_copy(spec.kernel, sizeof spec.kernel, "/not/\xff/utf8");
    assert_int_equal(local_spec_save(fd, &spec, &err), -1);
    assert_int_equal(local_spec_load(fd, &back, &err), 0);
    assert_string_equal(back.kernel, "/var/lib/kernels/a,b c.elf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),         cmocka_unit_test(what_is_refused),
        cmocka_unit_test(from_before_the_choice), cmocka_unit_test(too_many_ports),
        LOCAL_IN_PLACE(saved_and_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
