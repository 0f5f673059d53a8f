// The emoji that people at work use, with the words that find them in both languages. A keyboard offers the others.
const TABLE = `
👍 thumbs up yes ok good agree|赞 好 同意 收到 可以
👎 thumbs down no bad disagree|踩 不好 不同意 反对
👌 ok fine perfect|好的 没问题 可以
🙏 please thanks pray|谢谢 感谢 拜托 请
👏 clap applause bravo|鼓掌 真棒
💪 strong muscle arm|加油 强壮 肌肉
🤝 handshake deal agree|握手 合作
✋ hand stop wait high five|手 停 等等
👋 wave hello bye|挥手 你好 再见
✌️ victory peace two|胜利 耶
🫡 salute yes sir|敬礼 遵命 收到
🙌 hooray hands celebrate|欢呼 庆祝
🙂 smile slight happy|微笑
😀 grin happy smile|开心 高兴 笑
😄 laugh happy smile|大笑 开心
😅 sweat relief nervous|尴尬 汗 苦笑
😂 joy tears laugh|笑哭 笑
🤣 rolling laugh lol|笑翻 大笑
😊 blush smile happy|害羞 微笑
😉 wink|眨眼
😍 love heart eyes|喜欢 爱
🥰 love hearts adore|喜爱 爱心
😘 kiss|亲亲 飞吻
😎 cool sunglasses|酷 墨镜
🤔 think hmm question|思考 想 疑问
🤨 doubt eyebrow suspicious|怀疑 质疑
😐 neutral flat|无语 平静
😬 grimace awkward|尴尬 咧嘴
😴 sleep tired night|睡觉 困 晚安
🥱 yawn tired|打哈欠 困 累
😷 mask ill sick|口罩 生病
🤒 fever thermometer ill|发烧 发热 体温 生病
🤕 injured bandage hurt|受伤 绷带 头痛
🤢 nausea sick|恶心 想吐
🥵 hot heat fever|热 发烫
🥶 cold freezing chills|冷 发抖 寒战
😮 surprise wow open mouth|惊讶 哇
😳 flushed embarrassed|脸红 惊呆
😢 cry sad tear|哭 伤心 难过
😭 sob cry loud|大哭 伤心
😤 huff annoyed|生气 哼
😡 angry mad|生气 愤怒
😱 scream fear shock|害怕 惊恐 尖叫
😇 angel innocent halo|天使 无辜
🥳 party celebrate birthday|庆祝 派对 生日
🫠 melting|融化 无奈
❤️ heart red love cardiac|红心 爱 心脏
💙 heart blue|蓝心 爱心
💚 heart green|绿心 爱心
💛 heart yellow|黄心 爱心
💔 broken heart|心碎
🔥 fire hot burn|火 热 烧伤
✨ sparkles clean new|闪光 干净
⭐ star favourite|星 收藏
🎉 party congratulations celebrate|庆祝 恭喜
🎂 cake birthday|蛋糕 生日
🌹 rose flower|玫瑰 花
💐 flowers bouquet|花束 鲜花
☕ coffee break|咖啡 休息
🍵 tea|茶
🍎 apple food diet|苹果 饮食
✅ check done yes complete|完成 对 是 已办
❌ cross no wrong cancel|错 否 取消 不
❗ exclamation important attention|感叹 重要 注意
❓ question what|问号 疑问
⚠️ warning caution danger|警告 注意 危险
🚨 alarm emergency urgent|警报 急诊 紧急
🆘 sos help emergency|求救 求助 紧急
⏰ alarm clock time reminder|闹钟 时间 提醒
⏳ hourglass wait time|沙漏 等待 时间
📌 pin important|图钉 置顶
📎 clip attachment|回形针 附件
📋 clipboard list record|病历 清单 记录
📝 note write memo|笔记 记录 备忘
📞 phone call telephone|电话 打电话
🔔 bell notification alert|铃 提醒 通知
🔕 mute silent bell|静音 免打扰
🔒 lock private secure|锁 保密
🩺 stethoscope doctor examine|听诊器 医生 检查
💉 syringe injection vaccine blood|注射 打针 疫苗 抽血
💊 pill medicine drug tablet|药 药片 用药
🩹 plaster bandage wound|创可贴 伤口 包扎
🩸 blood drop bleeding transfusion|血 出血 输血 采血
🩻 x-ray xray radiology scan|影像 放射 拍片
🧪 test tube lab laboratory|试管 化验 检验
🧬 dna gene genetics|基因 遗传
🦠 microbe virus infection bacteria|病毒 细菌 感染
🫀 heart organ cardiac cardiology|心脏 心内科
🫁 lungs breathing respiratory|肺 呼吸
🧠 brain neurology|大脑 脑 神经
🦴 bone fracture orthopaedics|骨 骨折 骨科
🦷 tooth dentist|牙 口腔
👁️ eye see ophthalmology|眼睛 眼科
👂 ear hear|耳朵 耳鼻喉
🛏️ bed ward patient|病床 床 床位
🚑 ambulance emergency|救护车 急救
🏥 hospital|医院
👨‍⚕️ doctor man health worker|医生 男医生
👩‍⚕️ doctor nurse woman health worker|医生 护士 女医生
👶 baby newborn infant|婴儿 新生儿
👵 old woman grandmother|老人 奶奶
👴 old man grandfather|老人 爷爷
🤰 pregnant pregnancy obstetrics|怀孕 孕妇 产科
♿ wheelchair disabled access|轮椅 无障碍
🌡️ thermometer temperature fever|体温计 温度 发热
➡️ right arrow next|右 箭头 下一步
⬅️ left arrow back|左 箭头 返回
⬆️ up arrow increase|上 箭头 升高
⬇️ down arrow decrease|下 箭头 降低
1️⃣ one first 1|一 第一
2️⃣ two second 2|二 第二
3️⃣ three third 3|三 第三
`;

export interface Emoji {
  emoji: string;
  /** For a reader of each language; the first word is what it is called. */
  en: string;
  zh: string;
}

export const EMOJI: readonly Emoji[] = TABLE.trim()
  .split("\n")
  .map((line) => {
    const [emoji = "", rest = ""] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)];
    const [en = "", zh = ""] = rest.split("|");
    return { emoji, en, zh };
  });

/** Those of which every word that is sought begins one, or is in a Chinese one. Both languages are looked into. */
export function foundEmoji(sought: string): readonly Emoji[] {
  const words = sought.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return EMOJI;
  return EMOJI.filter(({ emoji, en, zh }) =>
    words.every((word) => emoji === word || en.split(" ").some((one) => one.startsWith(word)) || zh.includes(word)),
  );
}

const KEY = "wardline.emoji";
const RECENT = 16;

/** Those that were used last on this device, the last one first. */
export function recentEmoji(): readonly string[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]") as unknown;
    const known = new Set(EMOJI.map(({ emoji }) => emoji));
    return Array.isArray(kept) ? kept.filter((one): one is string => known.has(String(one))).slice(0, RECENT) : [];
  } catch {
    return [];
  }
}

export function rememberEmoji(emoji: string): void {
  const recent = [emoji, ...recentEmoji().filter((one) => one !== emoji)].slice(0, RECENT);
  try {
    localStorage.setItem(KEY, JSON.stringify(recent));
  } catch {
    // a browser that keeps nothing
  }
}
