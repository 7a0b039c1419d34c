// SPDX-License-Identifier: GPL-2.0
/*
 * What an ivshmem v2 device has and an ivshmem-doorbell has not: sections, of which a peer writes
 * its own; a state, which the others are told; and interrupts that have to be enabled. The doorbell
 * is at the same place and takes the same values.
 */
#include <linux/io.h>
#include <linux/math64.h>

#include "tombolo.h"

/* Registers. */
#define TOMBOLO_V2_ID 0
#define TOMBOLO_V2_MAX_PEERS 4
#define TOMBOLO_V2_INTERRUPT_CONTROL 8
#define TOMBOLO_V2_STATE 16

#define TOMBOLO_V2_INTERRUPTS_ENABLED 1
#define TOMBOLO_V2_RESET 0
#define TOMBOLO_V2_MOST_PEERS 65536 /* A doorbell has 16 bits for the peer. */

/* In the vendor capability. */
#define TOMBOLO_V2_CONTROL 3 /* Bit 0: one-shot mode. */
#define TOMBOLO_V2_TABLE_BYTES 4
#define TOMBOLO_V2_RW_BYTES 8
#define TOMBOLO_V2_OUTPUT_BYTES 16

bool tombolo_is_v2(const struct pci_dev *pdev)
{
	return pdev->vendor == TOMBOLO_V2_VENDOR && pdev->device == TOMBOLO_V2_DEVICE;
}

/* By its protocol: the one that is none, and 0x4000 to 0x7fff, which users define. */
bool tombolo_v2_is_ours(const struct pci_dev *pdev)
{
	const u16 protocol = pdev->class;

	return !protocol || (protocol & 0xc000) == 0x4000;
}

static u64 tombolo_v2_read_quad(struct pci_dev *pdev, int at)
{
	u32 low = U32_MAX;
	u32 high = U32_MAX;

	pci_read_config_dword(pdev, at, &low);
	pci_read_config_dword(pdev, at + 4, &high);
	return (u64)high << 32 | low;
}

/* Whether they have whole pages, and fit into BAR2. No sum here overflows. */
static bool tombolo_v2_fits(const struct tombolo_v2 *v2, u64 bar_bytes)
{
	return PAGE_ALIGNED(v2->table_bytes | v2->rw_bytes | v2->output_bytes) &&
	       v2->table_bytes >= v2->peers * sizeof(u32) && v2->table_bytes <= bar_bytes &&
	       v2->rw_bytes <= bar_bytes - v2->table_bytes &&
	       v2->output_bytes <= div_u64(bar_bytes - v2->table_bytes - v2->rw_bytes, v2->peers);
}

static int tombolo_v2_read_sections(struct tombolo_device *device)
{
	struct pci_dev *pdev = device->pdev;
	struct tombolo_v2 *v2 = &device->v2;
	const int at = pci_find_capability(pdev, PCI_CAP_ID_VNDR);
	u32 table_bytes = 0;
	u8 control = 0;

	if (!at) {
		dev_err(&pdev->dev, "no vendor capability: it is no ivshmem v2 device\n");
		return -ENODEV;
	}
	pci_read_config_byte(pdev, at + TOMBOLO_V2_CONTROL, &control);
	pci_read_config_dword(pdev, at + TOMBOLO_V2_TABLE_BYTES, &table_bytes);
	v2->protocol = pdev->class & U16_MAX;
	v2->one_shot = control & 1;
	v2->table_bytes = table_bytes;
	v2->rw_bytes = tombolo_v2_read_quad(pdev, at + TOMBOLO_V2_RW_BYTES);
	v2->output_bytes = tombolo_v2_read_quad(pdev, at + TOMBOLO_V2_OUTPUT_BYTES);
	if (tombolo_v2_fits(v2, device->memory_bytes))
		return 0;
	dev_err(&pdev->dev, "sections of %llu, %llu and %u times %llu bytes are no pages of %llu\n",
		v2->table_bytes, v2->rw_bytes, v2->peers, v2->output_bytes, device->memory_bytes);
	return -EINVAL;
}

/* Of BAR2, whose size is in device->memory_bytes, only the sections are left. */
int tombolo_v2_start(struct tombolo_device *device)
{
	struct tombolo_v2 *v2 = &device->v2;
	const u32 peers = ioread32(device->registers + TOMBOLO_V2_MAX_PEERS);
	int error;

	device->slot = ioread32(device->registers + TOMBOLO_V2_ID);
	if (!peers || peers > TOMBOLO_V2_MOST_PEERS || device->slot >= peers) {
		dev_err(&device->pdev->dev, "it is peer %u of %u: is its server running?\n",
			device->slot, peers);
		return -ENODEV;
	}
	v2->peers = peers;
	error = tombolo_v2_read_sections(device);
	if (error)
		return error;
	device->memory_bytes = v2->table_bytes + v2->rw_bytes + peers * v2->output_bytes;
	iowrite32(TOMBOLO_V2_RESET, device->registers + TOMBOLO_V2_STATE);
	return 0;
}

/* Read back: who looks afterwards what there is misses nothing, because from here on it is rung. */
void tombolo_v2_rearm(struct tombolo_device *device)
{
	void __iomem *control = device->registers + TOMBOLO_V2_INTERRUPT_CONTROL;

	iowrite32(TOMBOLO_V2_INTERRUPTS_ENABLED, control);
	ioread32(control);
}

void tombolo_v2_enable(struct tombolo_device *device)
{
	if (device->v2.peers)
		tombolo_v2_rearm(device);
}

/* After `gone` was set. To hardware that was torn out these are writes to nobody. */
void tombolo_v2_stop(struct tombolo_device *device)
{
	if (!device->v2.peers)
		return;
	iowrite32(TOMBOLO_V2_RESET, device->registers + TOMBOLO_V2_STATE);
	iowrite32(0, device->registers + TOMBOLO_V2_INTERRUPT_CONTROL);
}

/* `offset` is below device->memory_bytes. */
struct tombolo_section tombolo_v2_section(const struct tombolo_device *device, u64 offset)
{
	const struct tombolo_v2 *v2 = &device->v2;
	const u64 outputs = v2->table_bytes + v2->rw_bytes;
	u64 peer;

	if (offset < v2->table_bytes)
		return (struct tombolo_section) { .begin = 0, .bytes = v2->table_bytes };
	if (offset < outputs)
		return (struct tombolo_section) { .begin = v2->table_bytes,
						  .bytes = v2->rw_bytes,
						  .own = true };
	peer = div64_u64(offset - outputs, v2->output_bytes);
	return (struct tombolo_section) { .begin = outputs + peer * v2->output_bytes,
					  .bytes = v2->output_bytes,
					  .own = peer == device->slot };
}

/* Under device->alive. */
long tombolo_v2_set_state(struct tombolo_file *file, unsigned long state)
{
	struct tombolo_device *device = file->device;
	struct tombolo_v2 *v2 = &device->v2;
	long result = -EBUSY;

	if (!v2->peers)
		return -ENOTTY;
	if (state > U32_MAX)
		return -EINVAL;
	if (READ_ONCE(file->rights.flags) & TOMBOLO_SEALED)
		return -EPERM;
	mutex_lock(&v2->lock);
	if (!v2->holder || v2->holder == file) {
		v2->holder = state == TOMBOLO_V2_RESET ? NULL : file;
		wmb(); /* Also for what was stored through a mapping that is not cached. */
		iowrite32(state, device->registers + TOMBOLO_V2_STATE);
		result = 0;
	}
	mutex_unlock(&v2->lock);
	return result;
}

/* Under device->alive. A device whose server has ended reads as ones. */
long tombolo_v2_is_served(const struct tombolo_device *device)
{
	if (!device->v2.peers)
		return -ENOTTY;
	return ioread32(device->registers + TOMBOLO_V2_ID) == device->slot ? 0 : -ENODEV;
}

void tombolo_v2_get_sections(const struct tombolo_device *device, struct tombolo_sections *to)
{
	const struct tombolo_v2 *v2 = &device->v2;

	*to = (struct tombolo_sections) {
		.peers = v2->peers,
		.protocol = v2->protocol,
		.table_bytes = v2->table_bytes,
		.rw_bytes = v2->rw_bytes,
		.output_bytes = v2->output_bytes,
	};
}

/* The file is closed, by its process or because that has died: the others are told. */
void tombolo_v2_end(struct tombolo_file *file)
{
	struct tombolo_device *device = file->device;
	struct tombolo_v2 *v2 = &device->v2;

	down_read(&device->alive);
	mutex_lock(&v2->lock);
	if (v2->holder == file) {
		v2->holder = NULL;
		if (!device->gone)
			iowrite32(TOMBOLO_V2_RESET, device->registers + TOMBOLO_V2_STATE);
	}
	mutex_unlock(&v2->lock);
	up_read(&device->alive);
}
