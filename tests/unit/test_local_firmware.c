/* SPDX-License-Identifier: ISC */
#include "firmware.h"

#include "dir.h"
#include <sys/stat.h>

#include "local_help.h"

static void missing_or_placed(void **state)
{
    struct local_place *place = *state;
    struct local_firmware firmware;
    struct mir_error err = {0};
    assert_int_equal(local_firmware_find(place->path, &firmware, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "OVMF_CODE_4M.fd"));
    assert_non_null(strstr(err.hint, "apt-get install ovmf"));
    local_put(place->dir_fd, "OVMF_CODE_4M.fd", "code", 4);
    local_put(place->dir_fd, "OVMF_VARS_4M.fd", "vars", 4);
    assert_int_equal(local_firmware_find(place->path, &firmware, &err), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(local_firmware_place(&firmware, place->dir_fd, &err), 0);
    /* The code is the machine's own, the variables are a copy. */
    struct stat st;
    assert_int_equal(fstatat(place->dir_fd, LOCAL_FIRMWARE_FILE, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(fstatat(place->dir_fd, LOCAL_VARS_FILE, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_size, 4);
    assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LOCAL_IN_PLACE(missing_or_placed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
