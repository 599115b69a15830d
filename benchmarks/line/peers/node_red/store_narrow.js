const { device, reading } = msg;
for (const [point, value] of Object.entries(reading.values)) context.rows.push([device, point, reading.ts, value]);
if (context.rows.length >= 500) context.flush();
return null;
