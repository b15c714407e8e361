/* SPDX-License-Identifier: ISC */
#include "pci.h"

#include "io.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define ENABLE 0x80000000U

#define HEADER 0x0c /* header type is in its third byte */
#define HEADER_MULTI (0x80U << 16)
#define HEADER_TYPE (0x7fU << 16)
#define HEADER_BRIDGE (0x01U << 16)
#define BRIDGE_BUSES 0x18
#define NOTHING UINT32_MAX

uint32_t pci_read(uint32_t address, uint8_t reg)
{
    out32(CONFIG_ADDRESS, ENABLE | address | (reg & 0xfcU));
    return in32(CONFIG_DATA);
}

void pci_write(uint32_t address, uint8_t reg, uint32_t value)
{
    out32(CONFIG_ADDRESS, ENABLE | address | (reg & 0xfcU));
    out32(CONFIG_DATA, value);
}

/*
 * Looks through one device's functions, and raises *last_bus when it is a bridge. Reading is slow
 * (each access leaves the virtual machine), so only what is needed is read.
 */
static bool find_in_device(uint32_t device, uint32_t id, uint32_t *last_bus, uint32_t *ret)
{
    uint32_t functions = 1;

    for (uint32_t function = 0; function < functions; function++) {
        uint32_t address = device | function << 8;
        uint32_t found = pci_read(address, 0);
        uint32_t header;

        if (found == NOTHING)
            continue;
        if (found == id) {
            *ret = address;
            return true;
        }
        header = pci_read(address, HEADER);
        if (function == 0 && (header & HEADER_MULTI) != 0)
            functions = 8;
        if ((header & HEADER_TYPE) == HEADER_BRIDGE) {
            uint32_t below = pci_read(address, BRIDGE_BUSES) >> 16 & 0xff;

            if (below > *last_bus)
                *last_bus = below;
        }
    }
    return false;
}

bool pci_find(uint32_t id, uint32_t *ret_address)
{
    uint32_t last_bus = 0;

    for (uint32_t bus = 0; bus <= last_bus; bus++) {
        for (uint32_t device = 0; device < 32; device++) {
            if (find_in_device(bus << 16 | device << 11, id, &last_bus, ret_address))
                return true;
        }
    }
    return false;
}
