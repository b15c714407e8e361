/* SPDX-License-Identifier: ISC */
/*
 * carrier.conf at random: read without harm; and what is taken keeps what the rest relies on: texts
 * that end, names that pass through xl's configuration and the tender's options, and a
 * configuration for xl that can be written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "xl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);

    must(len < cap);
    for (size_t i = 0; i < len; i++)
        must((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void check_blocks(const struct car_conf *conf)
{
    must(conf->blocks_n <= CAR_BLOCKS_MAX);
    for (size_t i = 0; i < conf->blocks_n; i++) {
        check_text(conf->blocks[i], sizeof(conf->blocks[i]));
        must(strpbrk(conf->blocks[i], ",'\"= \\") == NULL && conf->blocks[i][0] != '\0');
        must(car_conf_unit(conf, i) < CAR_BLOCKS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    static struct car_conf conf;
    static char config[CAR_XL_CONFIG_MAX];
    char why[CAR_WHY_MAX] = "";

    if (car_conf_parse((const char *)data, size, &conf, why) != 0) {
        check_text(why, sizeof(why));
        must(why[0] != '\0');
        return 0;
    }
    must(conf.kind != CAR_KIND_NONE && conf.net != CAR_NET_KIND_UNSET && conf.memory_mib > 0);
    must(conf.open_n <= CAR_OPEN_MAX && conf.deadline >= 0);
    check_text(conf.name, sizeof(conf.name));
    check_text(conf.device, sizeof(conf.device));
    check_text(conf.arguments, sizeof(conf.arguments));
    check_text(conf.announce, sizeof(conf.announce));
    check_text(conf.token, sizeof(conf.token));
    check_text(conf.url, sizeof(conf.url));
    check_text(conf.digest, sizeof(conf.digest));
    check_blocks(&conf);
    must(car_xl_config(&conf, mac, config, sizeof(config)) > 0);
    return 0;
}
