// node-onvif, which logs in with tokens alone and asks for capabilities: HOST PORT USER PASSWORD.

"use strict";
const {OnvifDevice} = require("node-onvif");

async function main(host, port, user, pass) {
    const device = new OnvifDevice({xaddr: `http://${host}:${port}/onvif/device_service`, user, pass});
    const found = {serial: (await device.init()).SerialNumber, profiles: []};
    for (const {token, video, stream} of device.getProfileList()) {
        found.profiles.push([token, video.encoder.encoding, stream.rtsp]);
    }
    const shown = device.getProfileList().find((profile) => profile.snapshot);
    if (shown) {
        device.changeProfile(shown.token);
        const {headers, body} = await device.fetchSnapshot();
        found.picture = [headers["content-type"], body.subarray(0, 2).toString("hex")];
    }
    console.log(JSON.stringify(found));
    process.exit(0);  // it keeps the connection on which it was asked for digest
}

main(...process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
