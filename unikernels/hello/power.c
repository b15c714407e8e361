/* SPDX-License-Identifier: ISC */
/* Registers: Intel 82371AB (PIIX4) and ICH9 data sheets; ACPI specification 4.8.3.2. */
#include "power.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"
#include "pci.h"

#define PM1_CONTROL 4     /* from the power management base */
#define WAIT_READS 200000 /* about 0.2 s: the machine does not stop in an instant */
#define SLEEP_ENABLE (1U << 13)
#define SLEEP_TYPE_S5 (0U << 10) /* of both machines, by their ACPI tables' _S5 object */

static const struct {
    uint32_t id;
    uint8_t base_reg;
    uint8_t enable_reg;
    uint8_t enable_bit;
    uint16_t fallback_base; /* where QEMU's firmware puts it */
} chipsets[] = {
    {0x71138086, 0x40, 0x80, 0x01, 0x0600}, /* PIIX4 power management, machine pc */
    {0x29188086, 0x40, 0x44, 0x80, 0x0600}, /* ICH9 LPC bridge, machine q35 */
};

void power_off(void)
{
    for (size_t i = 0; i < sizeof(chipsets) / sizeof(chipsets[0]); i++) {
        uint32_t address;
        uint32_t base;
        uint32_t enable;

        if (!pci_find(chipsets[i].id, &address))
            continue;
        base = pci_read(address, chipsets[i].base_reg) & 0xff80;
        enable = pci_read(address, chipsets[i].enable_reg);
        /* Firmware has done this; a machine started without any is still to be switched off. */
        if (base == 0 || (enable & chipsets[i].enable_bit) == 0) {
            base = base != 0 ? base : chipsets[i].fallback_base;
            pci_write(address, chipsets[i].base_reg, base | 1);
            pci_write(address, chipsets[i].enable_reg, enable | chipsets[i].enable_bit);
            pci_write(address, PCI_COMMAND, pci_read(address, PCI_COMMAND) | PCI_COMMAND_IO);
        }
        out16((uint16_t)(base + PM1_CONTROL), SLEEP_ENABLE | SLEEP_TYPE_S5);
        for (int reads = 0; reads < WAIT_READS; reads++)
            (void)in8(0x80);
    }
}
