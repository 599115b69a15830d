// Edge-triggered: one message when a device goes above the threshold, one when it comes back.
const device = msg.topic.split("/")[3];
const reading = msg.payload;
const above = reading.values.supply_temp_c > THRESHOLD;
const alarmed = context.alarmed || (context.alarmed = new Set());
const store = { device, reading };
if (above === alarmed.has(device)) return [null, store];
if (above) alarmed.add(device); else alarmed.delete(device);
const alarm = {
    equipment: device, transition: above ? "raised" : "returned", event_time: reading.ts,
    value: reading.values.supply_temp_c,
};
return [{ payload: alarm }, store];
